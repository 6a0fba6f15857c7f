"""An ONNX network in int8 by TensorFlow's converter for LiteRT, and its answers.

The graph is written anew in TensorFlow's own operations, channels last, with the operators that the networks of `quantization` have; batch
norms stay separate, since the converter folds them. Left out: everything else that ONNX has.
"""

import numpy as np
import onnx
import tensorflow as tf
from onnx import helper, numpy_helper


def build(path):
    """x float32 N x H x W x 3 -> logits, as a function of TensorFlow."""
    graph = onnx.load(path).graph
    weights = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}

    def attributes(node):
        return {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}

    def convolution(x, node):
        at = attributes(node)
        weight = weights[node.input[1]]
        stride = at.get("strides", [1, 1])
        top, left, bottom, right = at.get("pads", [0] * 4)
        height, width = x.shape[1:3]
        # TensorFlow's SAME where it is the same, so that the converter need not quantize a Pad of its own.
        same = lambda size, kernel, step: max((-(-size // step) - 1) * step + kernel - size, 0)
        needed = [same(size, kernel, step) for size, kernel, step in zip((height, width), weight.shape[2:], stride)]
        if (top, left, bottom, right) == (0, 0, 0, 0):
            padding = "VALID"
        elif (top, left, bottom, right) == (needed[0] // 2, needed[1] // 2, needed[0] - needed[0] // 2, needed[1] - needed[1] // 2):
            padding = "SAME"
        else:
            x, padding = tf.pad(x, [[0, 0], [top, bottom], [left, right], [0, 0]]), "VALID"
        groups = at.get("group", 1)
        if groups == 1:
            y = tf.nn.conv2d(x, weight.transpose(2, 3, 1, 0), stride, padding)
        elif groups == weight.shape[0] and weight.shape[1] == 1:
            y = tf.nn.depthwise_conv2d(x, weight.transpose(2, 3, 0, 1), [1, *stride, 1], padding)
        else:
            raise NotImplementedError(f"{node.name}: {groups} groups")
        return tf.nn.bias_add(y, weights[node.input[2]]) if len(node.input) > 2 else y

    def operation(node, x):
        at = attributes(node)
        match node.op_type:
            case "Conv":
                return convolution(x[0], node)
            case "BatchNormalization":
                scale, shift, mean, variance = (weights[name] for name in node.input[1:5])
                factor = (scale / np.sqrt(variance + at.get("epsilon", 1e-5))).astype(np.float32)
                return x[0] * factor + (shift - mean * factor).astype(np.float32)
            case "Clip":
                low, high = (float(weights[name]) for name in node.input[1:3])
                if (low, high) != (0, 6):
                    raise NotImplementedError(f"{node.name}: Clip from {low} to {high}")
                return tf.nn.relu6(x[0])
            case "Relu":
                return tf.nn.relu(x[0])
            case "Sigmoid":
                return tf.sigmoid(x[0])
            case "Elu":
                return tf.nn.elu(x[0])
            case "Add":
                return x[0] + x[1]
            case "Mul":
                return x[0] * x[1]
            case "Concat":
                return tf.concat(x, -1)
            case "GlobalAveragePool":
                return tf.reduce_mean(x[0], [1, 2])
            case "GlobalMaxPool":
                return tf.reduce_max(x[0], [1, 2])
            case "Flatten" | "Dropout" | "Identity":
                return x[0]
            case "Gemm":
                weight = weights[node.input[1]]
                y = tf.matmul(x[0], weight.T if at.get("transB", 0) else weight)
                return tf.nn.bias_add(y, weights[node.input[2]]) if len(node.input) > 2 else y
        raise NotImplementedError(f"{node.name}: {node.op_type}")

    def network(x):
        edges = {graph.input[0].name: x}
        for node in graph.node:
            edges[node.output[0]] = operation(node, [edges[name] for name in node.input if name in edges])
        return edges[graph.output[0].name]

    return network


def answers(path, photos):
    """The float network's logits as TensorFlow computes them: they show that the graph was written anew rightly."""
    return build(path)(tf.constant(photos)).numpy()


def convert(path, photos):
    function = tf.function(build(path), autograph=False, input_signature=[tf.TensorSpec([1, *photos.shape[1:]], tf.float32)])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()], function)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([photo[None]] for photo in photos)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.int8
    converter.inference_output_type = tf.int8
    return converter.convert()


def run(path, photos):
    interpreter = tf.lite.Interpreter(str(path), num_threads=1)
    interpreter.allocate_tensors()
    (source,), (answer,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = source["quantization"]
    out = []
    for photo in photos:
        interpreter.set_tensor(source["index"], np.clip(np.rint(photo[None] / scale) + zero, -128, 127).astype(np.int8))
        interpreter.invoke()
        out.append(interpreter.get_tensor(answer["index"])[0].astype(np.float32))
    scale, zero = answer["quantization"]
    return (np.stack(out) - zero) * scale
