# Sourced by the scripts beside it: virtual environments, the packages that more than one of them wants, the machine.

# install VENV PACKAGE...: .venv/VENV with these packages, by version and without what they depend on: nothing is resolved, and nothing comes
# that is not named. openvino-telemetry must stay out: where it is installed, importing openvino or nncf reports over the network.
install() {
    local venv=.venv/$1
    shift
    [ "$(cat "$venv/.made" 2>/dev/null)" != "$*" ] || return 0
    echo "Installing $venv" >&2
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/python" -m pip install --quiet --no-deps --only-binary :all: --disable-pip-version-check "$@" >&2
    echo "$*" >"$venv/.made"
}

numbers=(numpy==2.4.6 flatbuffers==25.12.19 protobuf==7.36.2 ml_dtypes==0.6.0 typing_extensions==4.16.0)
litert=(ai-edge-litert==2.3.0 backports.strenum==1.2.8 tqdm==4.70.1)
tensorflow=("${numbers[@]}" packaging==26.3 rich==15.0.0 markdown-it-py==4.3.0 mdurl==0.1.2 Pygments==2.21.0 tensorflow-cpu==2.21.0 keras==3.15.1
    h5py==3.14.0 grpcio==1.85.1 optree==0.20.0 namex==0.1.0 absl-py==2.5.1 astunparse==1.6.3 gast==0.7.0 google-pasta==0.2.0 opt_einsum==3.4.0
    requests==2.34.2 urllib3==2.8.0 idna==3.20 certifi==2026.10.18 charset-normalizer==3.5.2 six==1.17.0 termcolor==3.3.0 wrapt==2.5.2
    wheel==0.48.0 setuptools==84.2.1 libclang==18.1.1 onnx==1.23.2)
openvino=(openvino==2026.4.1 nncf==3.4.0 scipy==1.17.1 psutil==7.2.2 tabulate==0.10.0 safetensors==0.8.0 pydot==4.0.1 pyparsing==3.3.3
    networkx==3.6.1 setuptools==84.2.1 sympy==1.14.0 mpmath==1.3.0 rich==15.0.0 markdown-it-py==4.3.0 mdurl==0.1.2 Pygments==2.21.0
    packaging==26.3)

# The processor, for the head of a table.
processor() {
    local field
    field() { grep -m1 -P "^$1\t" /proc/cpuinfo | cut -d: -f2 | xargs; }
    echo "$(field 'model name'), family $(field 'cpu family') model $(field model), $(getconf _NPROCESSORS_ONLN) processors"
}

# made FILE LOG COMMAND...: unless FILE is there; what fails is shown.
made() {
    [ -e "$1" ] || { echo "Making $1" >&2; "${@:3}" >"$2" 2>&1 || { tail -n 20 "$2" >&2; exit 1; }; }
}
