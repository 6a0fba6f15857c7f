"""Run by quantization: one quantizer on one network, in a process of its own so that its peak memory is its own.

    quantization_run.py QUANTIZER FOLDER [TINY]

FOLDER holds float.onnx and what quantization_data.py wrote. Writes FOLDER/QUANTIZER.json: seconds (wall and of the CPU) and peak memory of
quantizing alone, from float model and pixels to file, without imports; the file's bytes; and FOLDER/QUANTIZER-logits.npy: what the file
answers to the evaluation photos on its own runtime. QUANTIZER is `float` (ONNX Runtime on the float network) or a key of QUANTIZERS.
Left out: timing of inference (docs/runtime.md), quantization-aware training, choosing layers to keep in float.
"""

import json
import os
import pathlib
import resource
import subprocess
import sys
import time

import numpy as np

FOLDER = pathlib.Path()
TINY = None


def contract():
    network = json.loads((FOLDER / "network.json").read_text())
    return np.float32(network["mean"]), np.float32(network["std"]), network["side"]


def inputs(name, channels_last=False):
    """float32 N x 3 x H x W (or N x H x W x 3), normalized as the network expects."""
    mean, std, _ = contract()
    values = ((np.load(FOLDER / f"{name}.npy").astype(np.float32) - mean) / std).astype(np.float32)
    return values if channels_last else np.ascontiguousarray(values.transpose(0, 3, 1, 2))


# ---- ours ----

def tiny(*options):
    """`tiny convert`, with its comparison of float and int8 on the calibration photos, from the same pixels as PNG."""

    def quantize():
        side = str(contract()[2])
        subprocess.run([TINY, "convert", FOLDER / "float.onnx", "--calibration", FOLDER / "calibration", "--resize", side, "--crop", side,
                        "-o", FOLDER / "ours.tiny", "--json", *options],
                       check=True, stdout=subprocess.DEVNULL)
        return FOLDER / "ours.tiny"

    def logits(path):
        subprocess.run([TINY, "infer", path, "--input", FOLDER / "evaluation.npy", "--output", FOLDER / "ours.npy"], check=True)
        return np.load(FOLDER / "ours.npy")

    return quantize, logits


# ---- ONNX Runtime ----

def onnxruntime_logits(path):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.concatenate([session.run(None, {name: photo[None]})[0] for photo in inputs("evaluation")])


def onnxruntime_static(method, preprocess=True, **extra):
    """As its documentation advises for x86-64 with VNNI: QDQ, u8 activations, s8 weights, one scale a channel, no reduced range."""

    def quantize():
        import onnxruntime
        from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process

        class Reader(CalibrationDataReader):
            def __init__(self, name, photos):
                self.name, self.photos, self.iterator = name, photos, iter(photos)

            def __len__(self):
                return len(self.photos)

            def set_range(self, start_index, end_index):
                self.iterator = iter(self.photos[start_index:end_index])

            def get_next(self):
                photo = next(self.iterator, None)
                return None if photo is None else {self.name: photo[None]}

        source, target = FOLDER / "float.onnx", FOLDER / "onnxruntime.onnx"
        name = onnxruntime.InferenceSession(str(source), providers=["CPUExecutionProvider"]).get_inputs()[0].name
        if preprocess:
            prepared = FOLDER / "onnxruntime-prepared.onnx"
            quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
            source = prepared
        # Photos in eights: the histogram's collector otherwise holds every activation of all of them.
        extra.setdefault("CalibStridedMinMax", 8)
        photos = inputs("calibration")
        quantize_static(
            str(source), str(target), Reader(name, photos), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, per_channel=True, calibrate_method=getattr(CalibrationMethod, method), extra_options=dict(extra))
        return target

    return quantize, onnxruntime_logits


# ---- NNCF ----

def nncf_ptq(ranges=None, correction=True, **settings):
    """`ranges` names NNCF's estimator of activations' ranges (left out: its own choice, a mean over photos of each one's least and largest
    value); `correction`: of biases."""

    def quantize():
        import nncf
        import openvino

        model = openvino.convert_model(FOLDER / "float.onnx")
        photos = inputs("calibration")
        # Without its halved weights in the first layer, which processors without VNNI need.
        overflow = nncf.OverflowFix.DISABLE if ranges else nncf.OverflowFix.FIRST_LAYER
        advanced = nncf.AdvancedQuantizationParameters(disable_bias_correction=not correction, overflow_fix=overflow)
        if ranges:
            from nncf.quantization.range_estimator import RangeEstimatorParametersSet

            advanced.activations_range_estimator_params = getattr(RangeEstimatorParametersSet, ranges)
        quantized = nncf.quantize(
            model, nncf.Dataset(list(photos), lambda photo: photo[None]), subset_size=len(photos), target_device=nncf.TargetDevice.CPU,
            advanced_parameters=advanced,
            **{key: getattr(nncf.QuantizationPreset, value) if key == "preset" else value for key, value in settings.items()})
        openvino.save_model(quantized, FOLDER / "nncf.xml", compress_to_fp16=False)
        return FOLDER / "nncf.xml"

    def logits(path):
        import openvino

        core = openvino.Core()
        compiled = core.compile_model(path, "CPU", {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"})
        return np.concatenate([compiled(photo[None])[0] for photo in inputs("evaluation")])

    return quantize, logits


# ---- LiteRT ----

def litert():
    """TensorFlow's converter, full int8. The ONNX graph is written op by op in TensorFlow (channels last) by `quantization_tensorflow.py`."""

    def quantize():
        import quantization_tensorflow

        photos = inputs("calibration", channels_last=True)
        data = quantization_tensorflow.convert(FOLDER / "float.onnx", photos)
        (FOLDER / "litert.tflite").write_bytes(data)
        return FOLDER / "litert.tflite"

    def logits(path):
        import quantization_tensorflow

        photos, expected = inputs("evaluation", channels_last=True), np.load(FOLDER / "float-logits.npy")[:4]
        if np.abs(quantization_tensorflow.answers(FOLDER / "float.onnx", photos[:4]) - expected).max() > 1e-4 * np.abs(expected).max():
            sys.exit("quantization_tensorflow.py: the network in TensorFlow is not the network in ONNX")
        return quantization_tensorflow.run(path, photos)

    return quantize, logits


QUANTIZERS = {
    "float": (lambda: FOLDER / "float.onnx", onnxruntime_logits),
    "ours": tiny(),
    "ours-adaptive": tiny("--rounding", "adaptive"),
    "ours-tune": tiny("--tune", "120"),
    "onnxruntime-minmax": onnxruntime_static("MinMax"),
    "onnxruntime-minmax-raw": onnxruntime_static("MinMax", preprocess=False),
    "onnxruntime-average": onnxruntime_static("MinMax", CalibMovingAverage=True),
    "onnxruntime-percentile": onnxruntime_static("Percentile"),
    "onnxruntime-entropy": onnxruntime_static("Entropy"),
    "nncf": nncf_ptq(),
    "nncf-mixed": nncf_ptq(preset="MIXED"),
    "nncf-minmax": nncf_ptq(preset="MIXED", ranges="MINMAX"),
    "nncf-minmax-uncorrected": nncf_ptq(preset="MIXED", ranges="MINMAX", correction=False),
    "nncf-accurate": nncf_ptq(preset="MIXED", ranges="MINMAX", fast_bias_correction=False),
    "litert": litert(),
}


def main(name, folder, tiny_path=None):
    global FOLDER, TINY
    FOLDER, TINY = pathlib.Path(folder), tiny_path
    quantize, logits = QUANTIZERS[name]
    if name == "litert":
        import tensorflow  # noqa: F401
    elif name.startswith("onnxruntime"):
        import onnxruntime.quantization  # noqa: F401
    elif name.startswith("nncf"):
        import nncf  # noqa: F401
        import openvino  # noqa: F401
    usage = lambda: [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = lambda: sum(each.ru_utime + each.ru_stime for each in usage())
    wall, before = time.monotonic(), cpu()
    path = quantize()
    result = {
        "quantizer": name,
        "seconds": time.monotonic() - wall,
        "cpu_seconds": cpu() - before,
        # Ours is a child, and Python's own memory is not ours.
        "peak_mib": (usage()[1] if name.startswith("ours") else usage()[0]).ru_maxrss / 1024,
        "bytes": sum(os.path.getsize(part) for part in {path, path.with_suffix(".bin")} if part.exists()),
    }
    values = logits(path).astype(np.float32)
    np.save(FOLDER / f"{name}-logits.npy", values)
    (FOLDER / f"{name}.json").write_text(json.dumps(result))
    print(json.dumps(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
