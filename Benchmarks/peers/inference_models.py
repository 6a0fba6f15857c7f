"""Run by inference_speed and cold_start: one network, and what each runtime makes of it. One step a process, since their packages do not all
live in one environment.

    inference_models.py data FOLDER    from FOLDER/float.onnx: calibration, crops of samples/photos at the network's size (.png and .npy);
                                       folded.onnx, the network without batch norms, for the peers; logits.npy, its answers
    inference_models.py STEP FOLDER    onnxruntime, openvino, executorch or litert: the int8 model of those

Every runtime quantizes by its own tools: activations a scale a tensor, weights a scale a channel. Padding is TensorFlow's SAME, as the networks
have it; ExecuTorch would run a Pad of its own for that, so it pads alike on both sides: the same work, other numbers.
"""

import pathlib
import random
import sys

import numpy as np

PHOTOS, CROPS = pathlib.Path("samples/photos"), 16


def data(folder):
    from PIL import Image

    import quantization_data

    network, draw = quantization_data.Network(str(folder / "float.onnx")), random.Random(0)
    photos = [Image.open(path) for path in sorted(PHOTOS.glob("*.jpg"))]
    crops = [network.random_crop(photo, draw) for photo in photos for _ in range(CROPS)]
    (folder / "calibration").mkdir(exist_ok=True)
    for index, crop in enumerate(crops):
        Image.fromarray(crop).save(folder / "calibration" / f"{index:03}.png")
    np.stack(crops).tofile(folder / "calibration.rgb")
    contract = network.preprocessing
    values = (np.stack(crops).astype(np.float32) - np.float32(contract["mean"])) / np.float32(contract["std"])
    np.save(folder / "calibration.npy", np.ascontiguousarray(values.transpose(0, 3, 1, 2)))
    fold(folder / "float.onnx", folder / "folded.onnx")
    expected, got = (float_logits(folder, name) for name in ("float.onnx", "folded.onnx"))
    if np.abs(got - expected).max() > 1e-3 * np.abs(expected).max():
        sys.exit("inference_models.py: folding batch norms changed the network")
    np.save(folder / "logits.npy", expected)


def fold(source, target):
    """Batch norms go into the convolution or dense layer before them, else into the dense layer behind them: none of the runtimes then has
    them to compute, whatever its own tools fold."""
    import onnx
    from onnx import helper, numpy_helper

    model = onnx.load(source)
    graph = model.graph
    weights = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
    makers = {node.output[0]: node for node in graph.node}
    readers = {}
    for node in graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    for norm in [node for node in graph.node if node.op_type == "BatchNormalization"]:
        scale, shift, mean, variance = (weights[name] for name in norm.input[1:5])
        at = {attribute.name: helper.get_attribute_value(attribute) for attribute in norm.attribute}
        factor = scale / np.sqrt(variance + at.get("epsilon", 1e-5))
        shift = shift - mean * factor
        before, after = makers.get(norm.input[0]), readers[norm.output[0]]
        if before is not None and before.op_type in ("Conv", "Gemm") and len(readers[norm.input[0]]) == 1:
            layer, weight = before, channels_first(before, weights)
            bias = weights[layer.input[2]] if len(layer.input) > 2 else 0
            weight, bias = weight * factor.reshape(-1, *[1] * (weight.ndim - 1)), bias * factor + shift
            layer.output[0] = norm.output[0]
        elif len(after) == 1 and after[0].op_type == "Gemm":
            layer, weight = after[0], channels_first(after[0], weights)
            bias = (weights[layer.input[2]] if len(layer.input) > 2 else 0) + weight @ shift
            weight = weight * factor
            layer.input[0] = norm.input[0]
        else:
            sys.exit(f"inference_models.py: {norm.name}: a batch norm with no layer beside it")
        names = [f"{norm.name}.folded.weight", f"{norm.name}.folded.bias"]
        weights |= zip(names, (np.float32(weight), np.float32(bias)))
        makers[layer.output[0]] = layer
        del layer.input[1:]
        layer.input.extend(names)
        if layer.op_type == "Gemm":
            del layer.attribute[:]
            layer.attribute.append(helper.make_attribute("transB", 1))
        graph.node.remove(norm)
    used = {name for node in graph.node for name in node.input}
    del graph.initializer[:]
    graph.initializer.extend(numpy_helper.from_array(np.array(value, order="C"), name) for name, value in weights.items() if name in used)
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, target)


def channels_first(layer, weights):
    """A layer's weights with the output channels as the first axis."""
    weight = weights[layer.input[1]]
    return weight.T if layer.op_type == "Gemm" and not any(a.name == "transB" and a.i for a in layer.attribute) else weight


def rows(folder):
    """float32, each 1 x 3 x H x W, normalized."""
    photos = np.load(folder / "calibration.npy")
    return [photos[index : index + 1] for index in range(len(photos))]


def onnxruntime(folder):
    """As its documentation advises for processors with VNNI: QDQ, u8 activations, s8 weights."""
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process

    name = input_name(folder)

    class Reader(CalibrationDataReader):
        def __init__(self):
            self.rows = iter(rows(folder))

        def get_next(self):
            row = next(self.rows, None)
            return None if row is None else {name: row}

    quant_pre_process(str(folder / "folded.onnx"), str(folder / "prepared.onnx"), skip_symbolic_shape=True)
    quantize_static(
        str(folder / "prepared.onnx"), str(folder / "onnxruntime.onnx"), Reader(), quant_format=QuantFormat.QDQ,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, per_channel=True)


def openvino(folder):
    import nncf
    import openvino as ov

    photos = rows(folder)
    model = ov.convert_model(str(folder / "folded.onnx"), input=[(input_name(folder), list(photos[0].shape))])
    ov.save_model(nncf.quantize(model, nncf.Dataset(photos), subset_size=len(photos)), folder / "openvino.xml")


def executorch(folder):
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import XNNPACKQuantizer, get_symmetric_quantization_config
    from executorch.exir import to_edge_transform_and_lower
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    import inference_torch

    photos = [torch.from_numpy(row) for row in rows(folder)]
    expected = np.load(folder / "logits.npy")[0]
    with torch.no_grad():
        answer = inference_torch.Network(folder / "folded.onnx")(photos[0]).numpy()[0]
        if np.abs(answer - expected).max() > 1e-3 * np.abs(expected).max():
            sys.exit("inference_torch.py: the network in PyTorch is not the network in ONNX")
        network = inference_torch.Network(folder / "folded.onnx", symmetric=True).eval()
        quantizer = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
        prepared = prepare_pt2e(torch.export.export(network, (photos[0],)).module(), quantizer)
        for photo in photos:
            prepared(photo)
        program = torch.export.export(convert_pt2e(prepared), (photos[0],))
        lowered = to_edge_transform_and_lower(program, partitioner=[XnnpackPartitioner()])
        (folder / "executorch.pte").write_bytes(lowered.to_executorch().buffer)
        np.save(folder / "executorch-float.npy", np.concatenate([network(photo).numpy() for photo in photos]))


def litert(folder):
    import quantization_tensorflow

    photos = np.ascontiguousarray(np.concatenate(rows(folder)).transpose(0, 2, 3, 1))
    (folder / "litert.tflite").write_bytes(quantization_tensorflow.convert(folder / "folded.onnx", photos))


def input_name(folder):
    import onnx

    return onnx.load(folder / "folded.onnx", load_external_data=False).graph.input[0].name


def float_logits(folder, name):
    import onnxruntime

    session = onnxruntime.InferenceSession(str(folder / name), providers=["CPUExecutionProvider"])
    return np.concatenate([session.run(None, {input_name(folder): row})[0] for row in rows(folder)])


STEPS = {step.__name__: step for step in (data, onnxruntime, openvino, executorch, litert)}

if __name__ == "__main__":
    STEPS[sys.argv[1]](pathlib.Path(sys.argv[2]), *sys.argv[3:])
