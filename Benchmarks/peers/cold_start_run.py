"""Run by cold_start: starts each runtime again and again, in turns.

    cold_start_run.py STARTS OURS RUN RELEASE FOLDER

OURS and RUN are the binaries of inference_ours.c and device_footprint_run.c; the latter starts `tinyrt`, which waits for no question.
Prints, in milliseconds, from the start of the process to its first answer; the most memory that was resident, and how much of it belongs to no
file (MiB); the model's bytes, and those of the shared objects that a program in C or C++ would ship, whole and their machine code and constants.
"""

import pathlib
import statistics
import subprocess
import sys
import sysconfig

from inference_run import Runtime

# Each one's model files, and its libraries within Python's packages. ExecuTorch's package has PyTorch's beside its own; a program in C++ links
# what it needs statically, which is not measured here.
PEERS = {
    "litert": (["litert.tflite"], ["ai_edge_litert/libLiteRt.so"]),
    "openvino": (["openvino.xml", "openvino.bin"], [f"openvino/libs/lib{name}.so*" for name in (
        "openvino", "openvino_c", "openvino_intel_cpu_plugin", "openvino_ir_frontend", "tbb")]),
    "onnxruntime": (["onnxruntime.onnx"], ["onnxruntime/capi/libonnxruntime.so*"]),
    "executorch": (["executorch.pte"], []),
}


def library_bytes(paths):
    lines = subprocess.run(["size", "-G", *paths], check=True, capture_output=True, text=True).stdout.splitlines()[1:]
    return sum(path.stat().st_size for path in paths), sum(int(line.split()[0]) for line in lines)


def main(starts, ours, run, release, folder):
    folder, release, packages = pathlib.Path(folder), pathlib.Path(release), pathlib.Path(sysconfig.get_path("purelib"))
    keys = ["ours", *PEERS, "python"]
    runs, names = {key: [] for key in ["tinyrt", *keys]}, {"tinyrt": "tinyrt classify"}
    classify = [run, "1", release / "bin/tinyrt", "classify", folder / "ours.tiny", folder / "photo.ppm", "--threads", "1"]
    for number in range(int(starts) + 1):  # the first brings the files into the page cache
        print(f"start {number} of {starts}", file=sys.stderr)
        for key in keys:
            runtime = Runtime(key, folder, 1, ours)
            names[key] = runtime.name
            if number:
                runs[key].append((runtime.start_ms, *runtime.memory()))
            runtime.close()
        median, _, peak = map(float, subprocess.run(classify, check=True, capture_output=True, text=True).stdout.split())
        if number:
            runs["tinyrt"].append((median, peak / 1024, None))
    print(f"\n{folder.name}, {starts} starts, one thread\n")
    print("| runtime | first answer, median ms | least ms | peak resident, MiB | of no file, MiB | model, bytes | library, bytes | text, bytes |")
    print("|---|---|---|---|---|---|---|---|")
    for key in runs:
        models, libraries = PEERS.get(key, ([], []))
        if key in ("tinyrt", "ours"):
            models, found = ["ours.tiny"], [release / ("bin/tinyrt" if key == "tinyrt" else "lib/libtinyrt.so")]
        else:
            found = [path for pattern in libraries for path in sorted(packages.glob(pattern)) if not path.is_symlink()]
        times, peaks, anonymous = zip(*runs[key])
        sizes = [f"{size:,}" for size in library_bytes([path.resolve() for path in found])] if found else ["", ""]
        model = f"{sum((folder / name).stat().st_size for name in models):,}" if models else ""
        print(f"| {names[key]} | {statistics.median(times):.1f} | {min(times):.1f} | {statistics.median(peaks):.1f} "
              f"| {'' if None in anonymous else f'{statistics.median(anonymous):.1f}'} | {model} | {sizes[0]} | {sizes[1]} |")


main(*sys.argv[1:])
