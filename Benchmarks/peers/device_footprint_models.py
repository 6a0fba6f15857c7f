"""MobileNetV2 1.0, 224x224, 1000 classes for device_footprint (other sizes, in ONNX, for inference_speed), in each runtime's own file: one set
of seeded random weights, batch norm folded. Time and memory do not depend on the weights; the answers mean nothing.

    device_footprint_models.py onnx OUT.onnx [WIDTH [SIDE]]    float, for `tiny convert`
    device_footprint_models.py ncnn OUT.param OUT.bin    int8 as ncnn2int8 would write it, the activations' scales for ranges of 0 to 6 or -8 to 8
    device_footprint_models.py tflite OUT.tflite    full int8, one scale a channel, by TensorFlow's converter on random images
    device_footprint_models.py photo OUT.jpg        4000 x 3000 pixels, 4:2:0: gradients, shapes, noise
"""

import json
import sys

import numpy as np

SIDE, CLASSES = 224, 1000
STAGES = [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]  # the paper's table 2


def scaled(channels, width):
    """Torchvision's rounding: to a multiple of 8, and no more than a tenth below."""
    rounded = max(8, int(channels * width + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * channels * width else rounded


def layers(width=1.0):
    """(name, kind, weights O I KH KW, bias, stride, ReLU6, name of the layer whose output is added); the classifier's kind is "linear"."""
    generator = np.random.default_rng(1)
    result = []

    def add(name, kind, inputs, outputs, kernel=1, stride=1, relu=True, skip=None):
        fan = (1 if kind == "depthwise" else inputs) * kernel * kernel
        shape = (outputs, 1 if kind == "depthwise" else inputs, kernel, kernel)
        weights = generator.normal(0, (2 / fan) ** 0.5, shape).astype(np.float32)
        bias = generator.normal(0, 0.05, outputs).astype(np.float32)
        result.append((name, kind, weights, bias, stride, relu, skip))

    channels, block, last = scaled(32, width), 0, "stem"
    add("stem", "dense", 3, channels, 3, 2)
    for expansion, outputs, repeats, first in STAGES:
        outputs = scaled(outputs, width)
        for repeat in range(repeats):
            stride = first if repeat == 0 else 1
            wide = channels * expansion
            if expansion > 1:
                add(f"b{block}_expand", "dense", channels, wide)
            add(f"b{block}_depthwise", "depthwise", wide, wide, 3, stride)
            add(f"b{block}_project", "dense", wide, outputs, relu=False, skip=last if stride == 1 and channels == outputs else None)
            channels, last, block = outputs, f"b{block}_project", block + 1
    head = scaled(1280, max(1, width))
    add("head", "dense", channels, head)
    add("classifier", "linear", head, CLASSES, relu=False)
    return result


def write_onnx(path, width=1.0, side=SIDE):
    side = int(side)
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    nodes, weights = [], [numpy_helper.from_array(np.float32(0), "zero"), numpy_helper.from_array(np.float32(6), "six")]
    edge, outputs = "input", {}
    for name, kind, weight, bias, stride, relu, skip in layers(float(width)):
        if kind == "linear":
            nodes.append(helper.make_node("GlobalAveragePool", [edge], ["pooled"], "pool"))
            nodes.append(helper.make_node("Flatten", ["pooled"], ["features"], "flatten", axis=1))
            edge, weight = "features", weight[:, :, 0, 0]
        weights += [numpy_helper.from_array(weight, f"{name}.weight"), numpy_helper.from_array(bias, f"{name}.bias")]
        inputs = [edge, f"{name}.weight", f"{name}.bias"]
        edge = f"{name}.out"
        if kind == "linear":
            nodes.append(helper.make_node("Gemm", inputs, [edge], name, transB=1))
            break
        kernel = weight.shape[2]
        pad = kernel // 2
        nodes.append(helper.make_node(
            "Conv", inputs, [edge], name, kernel_shape=[kernel, kernel], strides=[stride, stride],
            pads=[pad - (stride - 1), pad - (stride - 1), pad, pad], group=weight.shape[0] if kind == "depthwise" else 1))
        if relu:
            nodes.append(helper.make_node("Clip", [edge, "zero", "six"], [f"{name}.relu"], f"{name}.relu"))
            edge = f"{name}.relu"
        if skip:
            nodes.append(helper.make_node("Add", [edge, outputs[skip]], [f"{name}.sum"], f"{name}.sum"))
            edge = f"{name}.sum"
        outputs[name] = edge
    graph = helper.make_graph(
        nodes, "mobilenetv2", [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, side, side])],
        [helper.make_tensor_value_info(edge, TensorProto.FLOAT, ["N", CLASSES])], initializer=weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    contract = {"resize_mode": "squash", "resize": [side, side], "crop": [side, side], "filter": "bilinear", "mean": [127.5] * 3,
                "std": [127.5] * 3, "decode_scaling": True}
    helper.set_model_props(model, {"tiny.labels": json.dumps([f"class {i}" for i in range(CLASSES)]), "tiny.preprocessing": json.dumps(contract)})
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def write_ncnn(param_path, bin_path):
    """Layers and numbers as ncnn's documents and ModelBin read them: int8 weights after a tag, then bias and scales as floats."""
    lines, data = [], bytearray()
    readers, outputs = {}, {}
    table = layers()
    for name, *_, skip in table:
        if skip:
            readers[skip] = True
    lines.append("Input data 0 1 data 0=224 1=224 2=3")
    blobs, edge, bound = 1, "data", 1.0

    def numbers(weight, bias, bound):
        flat = weight.reshape(weight.shape[0], -1)
        scales = (127 / np.abs(flat).max(axis=1)).astype("<f4")
        quantized = np.clip(np.round(flat * scales[:, None]), -127, 127).astype(np.int8).tobytes()
        data.extend(b"\x38\x4b\x0d\x00" + quantized + bytes(-len(quantized) % 4))
        data.extend(bias.astype("<f4").tobytes() + scales.tobytes() + np.array([127 / bound], "<f4").tobytes())

    for name, kind, weight, bias, stride, relu, skip in table:
        if kind == "linear":
            lines.append(f"Pooling pool 1 1 {edge} pooled 0=1 4=1")
            lines.append(f"InnerProduct {name} 1 1 pooled {name} 0={CLASSES} 1=1 2={weight.size} 8=2")
            numbers(weight, bias, 6.0)
            blobs += 2
            break
        kernel, pad = weight.shape[2], weight.shape[2] // 2
        first = pad - (stride - 1)
        fields = f"0={weight.shape[0]} 1={kernel} 3={stride} 4={first} 14={first} 15={pad} 16={pad} 5=1 6={weight.size}"
        fields += f" 7={weight.shape[0]} 8=1" if kind == "depthwise" else " 8=2"
        fields += " 9=3 -23310=2,0.0,6.0" if relu else ""
        lines.append(f"{'ConvolutionDepthWise' if kind == 'depthwise' else 'Convolution'} {name} 1 1 {edge} {name} {fields}")
        numbers(weight, bias, bound)
        blobs += 1
        edge, bound = name, 6.0 if relu else 8.0
        if skip:
            lines.append(f"BinaryOp {name}_sum 2 1 {edge} {outputs[skip]} {name}_sum 0=0")
            edge, blobs = f"{name}_sum", blobs + 1
        if readers.get(name):  # ncnn's blobs have one reader each
            lines.append(f"Split {name}_split 1 2 {edge} {name}_a {name}_b")
            edge, outputs[name], blobs = f"{name}_a", f"{name}_b", blobs + 2
    with open(param_path, "w") as file:
        file.write(f"7767517\n{len(lines)} {blobs}\n" + "\n".join(lines) + "\n")
    with open(bin_path, "wb") as file:
        file.write(data)


def write_tflite(path):
    import keras
    import tensorflow as tf

    x = image = keras.Input((SIDE, SIDE, 3), batch_size=1)
    outputs = {}
    for name, kind, weight, bias, stride, relu, skip in layers():
        if kind == "linear":
            x = keras.layers.GlobalAveragePooling2D()(x)
            layer, weight = keras.layers.Dense(CLASSES), weight[:, :, 0, 0].T
        elif kind == "depthwise":
            layer, weight = keras.layers.DepthwiseConv2D(weight.shape[2], stride, "same"), weight.transpose(2, 3, 0, 1)
        else:
            layer, weight = keras.layers.Conv2D(weight.shape[0], weight.shape[2], stride, "same"), weight.transpose(2, 3, 1, 0)
        x = layer(x)
        layer.set_weights([weight, bias])
        if relu:
            x = keras.layers.ReLU(6.0)(x)
        if skip:
            x = keras.layers.Add()([x, outputs[skip]])
        outputs[name] = x
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(image, x))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    generator = np.random.default_rng(2)
    converter.representative_dataset = lambda: ([generator.uniform(-1, 1, (1, SIDE, SIDE, 3)).astype(np.float32)] for _ in range(8))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with open(path, "wb") as file:
        file.write(converter.convert())


def write_photo(path):
    from PIL import Image, ImageDraw

    generator = np.random.default_rng(3)
    y, x = np.mgrid[0:3000, 0:4000].astype(np.float32)
    base = np.stack([x / 16, y / 12, 127 + 100 * np.sin(x / 90 + y / 50)], axis=2)
    base += generator.normal(0, 6, (3000, 4000, 1)).astype(np.float32)
    image = Image.fromarray(np.clip(base, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    for _ in range(400):
        left, top, width, height = (int(v) for v in generator.integers([0, 0, 10, 10], [3900, 2900, 400, 300]))
        draw.ellipse([left, top, left + width, top + height], fill=tuple(int(v) for v in generator.integers(0, 256, 3)))
    image.save(path, quality=90)


{"onnx": write_onnx, "ncnn": write_ncnn, "tflite": write_tflite, "photo": write_photo}[sys.argv[1]](*sys.argv[2:])
