# Sourced by device_footprint and photo_to_label, after common.sh and with `work` and `here` set: their environments, models and photo. All of it
# is seeded, so made once; delete .build/footprint to make it anew. TensorFlow's converter makes LiteRT's model, in an environment of its own.

install footprint "${numbers[@]}" onnx==1.23.2 pillow==13.0.0 "${litert[@]}" ncnn==1.0.20261020
python=.venv/footprint/bin/python
export KERAS_HOME=$work/keras TF_CPP_MIN_LOG_LEVEL=3 OMP_NUM_THREADS=1

convert() { # OPTION...
    swift build -c release --product tiny &&
        "$(swift build -c release --show-bin-path)/tiny" convert "$work/model.onnx" --calibration samples/photos "$@"
}

make_models() {
    local models=$here/device_footprint_models.py log=$work/log.txt
    made "$work/photo.jpg" "$log" $python $models photo "$work/photo.jpg"
    made "$work/model.onnx" "$log" $python $models onnx "$work/model.onnx"
    if [ ! -e "$work/model.tflite" ]; then
        install footprint-tf "${tensorflow[@]}"
        made "$work/model.tflite" "$log" .venv/footprint-tf/bin/python $models tflite "$work/model.tflite"
    fi
    made "$work/model.tiny" "$log" convert -o "$work/model.tiny"
}
