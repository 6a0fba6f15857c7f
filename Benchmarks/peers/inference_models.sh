# Sourced by inference_speed and cold_start, after common.sh: makes what is missing of $work/NETWORK for each of `networks`, with the models of
# `peers` (with commas), and $work/ours from `release` (built where empty).

install inference "${numbers[@]}" onnx==1.23.2 pillow==13.0.0 "${litert[@]}" "${openvino[@]}" onnxruntime==1.32.0 torch==2.13.0+cpu executorch==1.4.0 \
    torchao==0.18.0 filelock==4.2.12 Jinja2==3.1.6 MarkupSafe==3.0.4 fsspec==2026.9.0 PyYAML==6.0.3 ruamel.yaml==0.19.1
install inference-tf "${tensorflow[@]}"
python=.venv/inference/bin/python
export OMP_NUM_THREADS=1 TF_CPP_MIN_LOG_LEVEL=3 KERAS_HOME=$work/keras PYTHONDONTWRITEBYTECODE=1

swift build -c release --product tiny >"$work/log.txt" 2>&1 || { tail -n 20 "$work/log.txt" >&2; exit 1; }
tiny=$(swift build -c release --show-bin-path)/tiny
rmg_pmsi() { # OUT
    rm -rf "$work/run"
    "$tiny" train --data samples/typefaces --out "$work/run" --weights models/mobilenetv2-pretrained-160.safetensors --method rmg-pmsi --heads separable \
        --image-size 224 --resize 256 --epochs 1 --freeze-epochs 0 --batch-size 16 --lr 0.02 --backbone-lr 0.005 --no-flip --seed 1 &&
        mv "$work/run/model.onnx" "$1" && rm -rf "$work/run"
}
for network in "${networks[@]}"; do
    folder=$work/$network side=224
    mkdir -p "$folder"
    case $network in
        mobilenetv2-*)
            side=${network##*-} width=${network#*-}
            made "$folder/float.onnx" "$folder/log.txt" $python $here/device_footprint_models.py onnx "$folder/float.onnx" "${width%-*}" "$side" ;;
        efficientnet-lite0) made "$folder/float.onnx" "$folder/log.txt" tools/weights/import-efficientnet-lite0 "$folder/float.onnx" ;;
        rmg-pmsi) made "$folder/float.onnx" "$folder/log.txt" rmg_pmsi "$folder/float.onnx" ;;
    esac
    made "$folder/logits.npy" "$folder/log.txt" $python $here/inference_models.py data "$folder"
    [ "$folder/ours.tiny" -nt "$tiny" ] || rm -f "$folder/ours.tiny" # another converter may write another file
    made "$folder/ours.tiny" "$folder/log.txt" "$tiny" convert "$folder/float.onnx" --calibration "$folder/calibration" --resize "$side" \
        --crop "$side" -o "$folder/ours.tiny"
    for peer in ${peers//,/ }; do
        case $peer in
            litert) model=litert.tflite ;;
            openvino) model=openvino.xml ;;
            onnxruntime) model=onnxruntime.onnx ;;
            executorch) model=executorch.pte ;;
        esac
        [ $peer = litert ] && venv=inference-tf || venv=inference
        made "$folder/$model" "$folder/log.txt" .venv/$venv/bin/python $here/inference_models.py $peer "$folder"
    done
done
if [ -z "$release" ]; then
    tools/build-edge --arch x86_64 >"$work/log.txt" 2>&1 || { tail -n 20 "$work/log.txt" >&2; exit 1; }
    release=$(echo .build/edge/tinyrt-*-x86_64)
fi
gcc -O2 -static -I "$release/include" -o "$work/ours" $here/inference_ours.c "$release/lib/libtinyrt.a" -lpthread

