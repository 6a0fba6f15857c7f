# Small networks in the ONNX dialects that people have, and ONNX Runtime's answers, for Tests/ConverterTests/ONNXDialectTests.swift.
# Made with torch 2.13.0 (CPU), onnx 1.23.2, onnxscript 0.7.2, onnxruntime 1.32.0, numpy 2.4.6; weights are random.
#   NAME.onnx          the file (and NAME.onnx.data, where its weights lie outside)
#   NAME.safetensors   "x", N × C × H × W, and "y", ONNX Runtime's logits N × classes (before a final Softmax or ArgMax)
#   torchscript-*, dynamo-*   one network of PyTorch's through both exporters and several opsets
#   tensorflow-*, others      built node by node, as tf2onnx and older exporters write them
# Run: $(tools/goldens/setup) tools/goldens/onnx_dialects.py
import pathlib
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file
from torch import nn

folder = pathlib.Path(__file__).parents[2] / "Tests/ModelGraphTests/Goldens/dialects"
F = TensorProto.FLOAT


def answer(path, x, edge=None):
    model = onnx.load(path)
    if edge:
        model.graph.output.append(helper.make_tensor_value_info(edge, F, None))
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    source = session.get_inputs()[0]
    x = x.astype(np.float16) if source.type == "tensor(float16)" else x
    # Some files have a fixed N of 1.
    rows = [session.run([edge] if edge else None, {source.name: row[None]})[0] for row in x]
    return np.concatenate([row.reshape(1, -1) for row in rows]).astype(np.float32)


def finish(name, x, edge=None, channels_last=False):
    path = folder / f"{name}.onnx"
    onnx.checker.check_model(str(path), full_check=True)
    y = answer(path, np.ascontiguousarray(x.transpose(0, 2, 3, 1)) if channels_last else x, edge)
    assert np.isfinite(y).all() and np.abs(y).max() > 1e-2, name
    save_file({"x": x, "y": y}, folder / f"{name}.safetensors")


# PyTorch


class SqueezeExcite(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, 4, 1), nn.Conv2d(4, channels, 1)

    def forward(self, x):
        s = x.mean((2, 3), keepdim=True)
        return x * nn.functional.hardsigmoid(self.expand(nn.functional.relu(self.reduce(s))))


class Network(nn.Module):
    """What mobile networks are made of: batch norms, every activation, residual sums, groups, squeeze and excitation."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU6())
        self.depthwise = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=8, bias=False), nn.BatchNorm2d(8), nn.Hardswish())
        self.grouped = nn.Sequential(nn.Conv2d(8, 8, 3, 1, 1, groups=2), nn.SiLU())
        self.excite = SqueezeExcite(8)
        self.pool = nn.MaxPool2d(3, 2, ceil_mode=True)
        self.branches = nn.ModuleList([nn.Conv2d(8, 6, 1), nn.Conv2d(8, 4, 3, padding=1)])
        self.average = nn.AvgPool2d(2, 2)
        self.leaky, self.elu = nn.LeakyReLU(0.1), nn.ELU()
        self.norm = nn.BatchNorm2d(10)
        self.head = nn.Sequential(nn.Dropout(0.2), nn.Linear(10, 6))

    def forward(self, x):
        x = self.stem(x * 2 - 0.5)
        x = x + self.depthwise(x)
        x = self.excite(self.grouped(x))
        x = self.pool(x)
        x = torch.cat([self.leaky(self.branches[0](x)), self.elu(self.branches[1](x))], 1)
        x = nn.functional.relu(self.norm(self.average(x)))
        x = nn.functional.adaptive_avg_pool2d(x, 1)
        return self.head(x.flatten(1))


class Flattening(nn.Module):
    """As AlexNet and VGG end: features of all pixels, shapes computed from the batch's size."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, stride=4, padding=1)
        self.shrink = nn.Conv2d(4, 5, 2, stride=2)
        self.first, self.last = nn.Linear(5 * 4 * 4, 8), nn.Linear(8, 3)

    def forward(self, x):
        x = self.shrink(torch.relu(self.conv(x)))
        x = x.view(x.size(0), -1)
        return torch.log_softmax(self.last(torch.clamp(self.first(x), min=-0.5, max=0.5)), dim=1)


def settled(network):
    """Batch norms with statistics other than 0 and 1."""
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, 0, 0.3)
            nn.init.uniform_(module.running_var, 0.3, 2)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.3)
    return network.eval()


def stripped(path):
    """Without where in Python each node comes from, and paths of this machine."""
    model = onnx.load(path)
    for item in [model.graph, *model.graph.node, *model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer]:
        item.ClearField("metadata_props")
        item.ClearField("doc_string")
    model.graph.ClearField("value_info")
    onnx.save(model, path)


def torch_files(random):
    torch.manual_seed(5)
    network, flattening = settled(Network()), settled(Flattening())
    x = random.normal(0, 1, (2, 3, 32, 32)).astype(np.float32)
    example = torch.zeros(1, 3, 32, 32)
    newest = 24  # the newest that ONNX Runtime 1.32 and this exporter both know
    for opset in (9, 11, 13, 17):
        path = folder / f"torchscript-{opset}.onnx"
        torch.onnx.export(network, example, path, opset_version=opset, dynamo=False, input_names=["image"], output_names=["scores"],
                          dynamic_axes={"image": {0: "N"}, "scores": {0: "N"}})
        finish(path.stem, x)
    for opset in (18, newest):
        path = folder / f"dynamo-{opset}.onnx"
        batch = torch.export.Dim("batch")
        torch.onnx.export(network, (torch.zeros(2, 3, 32, 32),), path, opset_version=opset, dynamo=True, external_data=False,
                          dynamic_shapes=({0: batch},), verbose=False)
        stripped(path)
        finish(path.stem, x)
    path = folder / "torchscript-flatten.onnx"
    torch.onnx.export(flattening, example, path, opset_version=12, dynamo=False, do_constant_folding=False,
                      dynamic_axes={"input": {0: "N"}}, input_names=["input"])
    logits = onnx.load(path).graph.node[-1].input[0]
    finish(path.stem, x, logits)
    # The same with weights in a file of their own, and in half precision.
    path = folder / "external-data.onnx"
    onnx.save(onnx.load(folder / "torchscript-17.onnx"), path, save_as_external_data=True, location="external-data.onnx.data", size_threshold=64)
    finish(path.stem, x)
    half = torch_half(network, example)
    onnx.save(half, folder / "float16.onnx")
    finish("float16", x)


def torch_half(network, example):
    """Weights in float16, each cast to float32 before its use; bfloat16 and double among them."""
    model = onnx.load(folder / "torchscript-13.onnx")
    casts, kept = [], []
    for index, tensor in enumerate(model.graph.initializer):
        values = numpy_helper.to_array(tensor)
        if values.dtype != np.float32 or values.ndim < 1:
            kept.append(tensor)
            continue
        kind = [TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE][index % 3]
        # Half of them as raw bytes, half as numbers.
        small = helper.make_tensor(tensor.name + ".small", kind, values.shape, values.ravel().tolist())
        if index % 2 and kind != TensorProto.BFLOAT16:
            small = numpy_helper.from_array(values.astype(helper.tensor_dtype_to_np_dtype(kind)), small.name)
        kept.append(small)
        casts.append(helper.make_node("Cast", [small.name], [tensor.name], to=F))
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
    nodes = casts + list(model.graph.node)
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


# Node by node


class Builder:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights, self.functions = [], [], []

    def constant(self, values, dtype=np.float32):
        name = f"const_{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def ints(self, *values):
        return self.constant(values, np.int64)

    def weight(self, *shape, low=-0.7, high=0.7):
        return self.constant(self.random.uniform(low, high, shape))

    def node(self, op, *inputs, **attributes):
        name = f"{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def save(self, name, x, output, shape, opset, size=None, **options):
        channels_last = options.get("channels_last", False)
        size = size or (["unk__1", *x.shape[2:], x.shape[1]] if channels_last else ["N", *x.shape[1:]])
        graph = helper.make_graph(
            self.nodes, name, [helper.make_tensor_value_info("x", F, size)],
            [helper.make_tensor_value_info(output, options.get("type", F), shape)], self.weights)
        imports = [helper.make_opsetid("", opset)] + [helper.make_opsetid(f.domain, 1) for f in self.functions]
        model = helper.make_model(graph, opset_imports=imports, ir_version=8 if opset < 20 else 10, functions=self.functions)
        onnx.save(model, folder / f"{name}.onnx")
        finish(name, x, options.get("edge"), channels_last)


def tensorflow(random):
    """As tf2onnx writes a Keras MobileNet: N H W C outside, Transpose pairs, Pad, ReLU6 as Min and Max, hard swish in pieces."""
    b = Builder(11)
    x = random.normal(0, 1, (2, 3, 33, 31)).astype(np.float32)
    to_nchw, to_nhwc = dict(perm=[0, 3, 1, 2]), dict(perm=[0, 2, 3, 1])
    e = b.node("Mul", "x", b.constant([0.5, 0.6, 0.7]))  # N H W C: one a channel
    e = b.node("Pad", e, b.ints(0, 0, 0, 0, 0, 1, 1, 0), b.constant(0.0))
    e = b.node("Transpose", e, **to_nchw)
    e = b.node("Conv", e, b.weight(8, 3, 3, 3), strides=[2, 2], auto_pad="VALID")
    e = b.node("Transpose", e, **to_nhwc)
    e = b.node("Mul", e, b.weight(8, low=0.5, high=1.5))  # a batch norm in pieces
    e = b.node("Add", e, b.weight(1, 1, 1, 8))
    e = b.node("Min", b.node("Max", e, b.constant(0.0)), b.constant(6.0))
    e = b.node("Transpose", e, **to_nchw)
    e = b.node("Conv", e, b.weight(8, 1, 3, 3), group=8, auto_pad="SAME_UPPER", strides=[2, 2])
    e = b.node("Transpose", e, **to_nhwc)
    swish = b.node("Mul", b.node("Min", b.node("Relu", b.node("Add", e, b.constant(3.0))), b.constant(6.0)), b.constant(1 / 6))
    e = b.node("Mul", e, swish)
    gate = b.node("ReduceMean", e, axes=[1, 2], keepdims=1)
    gate = b.node("Transpose", gate, **to_nchw)
    gate = b.node("Relu", b.node("Conv", gate, b.weight(4, 8, 1, 1), b.weight(4)))
    gate = b.node("Sigmoid", b.node("Conv", gate, b.weight(8, 4, 1, 1), b.weight(8)))
    gate = b.node("Transpose", gate, **to_nhwc)
    e = b.node("Mul", e, gate)
    again = b.node("MatMul", e, b.weight(8, 5))  # a 1 × 1 convolution
    e = b.node("Concat", e, b.node("Sub", again, b.constant(0.25)), axis=3)
    e = b.node("ReduceMean", e, axes=[1, 2], keepdims=0)
    e = b.node("Add", b.node("MatMul", e, b.weight(13, 4)), b.weight(4))
    b.save("tensorflow-13", x, b.node("Softmax", e, axis=1), ["unk__1", 4], 13, channels_last=True, edge=e)


def tensorflow_flatten(random):
    """Flattened in the order H W C, a global pooling with kept axes and a convolution after it, ArgMax."""
    b = Builder(12)
    x = random.normal(0, 1, (2, 2, 12, 10)).astype(np.float32)
    e = b.node("Transpose", "x", perm=[0, 3, 1, 2])
    e = b.node("LeakyRelu", b.node("Conv", e, b.weight(6, 2, 3, 3), auto_pad="SAME_LOWER", strides=[3, 2]), alpha=0.2)
    e = b.node("AveragePool", e, kernel_shape=[2, 2], strides=[2, 1], auto_pad="SAME_UPPER")
    e = b.node("Transpose", e, perm=[0, 2, 3, 1])
    shape = b.node("Shape", e)
    first = b.node("Slice", shape, b.ints(0), b.ints(1), b.ints(0))
    e = b.node("Reshape", e, b.node("Concat", first, b.ints(-1), axis=0))
    e = b.node("Gemm", e, b.weight(60, 5), b.weight(1, 5), alpha=0.5, beta=2.0)
    e = b.node("Elu", b.node("Div", e, b.constant([2.0, 3.0, 4.0, 5.0, 6.0])))
    e = b.node("Unsqueeze", b.node("Unsqueeze", e, b.ints(2)), b.ints(-1))
    e = b.node("Conv", e, b.weight(4, 5, 3, 3), pads=[1, 1, 1, 1])
    e = b.node("Squeeze", e, b.ints(2, 3))
    b.save("tensorflow-flatten-16", x, b.node("ArgMax", e, axis=-1, keepdims=0), ["N"], 16, channels_last=True, edge=e, type=TensorProto.INT64)


def old(random):
    """Opset 7: axes, pads and shapes as attributes, a fixed N, weights from Constant nodes, pooling before padding."""
    b = Builder(13)
    x = random.normal(0, 1, (2, 3, 16, 16)).astype(np.float32)
    kernel = b.node("Constant", value=numpy_helper.from_array(b.random.uniform(-0.7, 0.7, (6, 3, 3, 3)).astype(np.float32)))
    e = b.node("Conv", "x", kernel, pads=[1, 1, 1, 1])
    e = b.node("BatchNormalization", e, b.weight(6, low=0.5, high=1.5), b.weight(6), b.weight(6), b.weight(6, low=0.2, high=2), epsilon=1e-3)
    e = b.node("Relu", e)
    e = b.node("Pad", e, pads=[0, 0, 1, 1, 0, 0, 1, 1], mode="constant", value=0.0)
    e = b.node("MaxPool", e, kernel_shape=[3, 3], strides=[2, 2])
    e = b.node("Pad", e, pads=[0, 0, 0, 1, 0, 0, 0, 0])
    e = b.node("AveragePool", e, kernel_shape=[2, 3], strides=[2, 2], pads=[0, 1, 0, 0], count_include_pad=1)
    e = b.node("Sum", e, b.node("Neg", e), b.node("Sigmoid", e))
    e = b.node("HardSigmoid", b.node("Sub", b.constant(0.5), e), alpha=0.3, beta=0.6)
    e = b.node("AveragePool", e, kernel_shape=[4, 4])
    e = b.node("Squeeze", e, axes=[2, 3])
    e = b.node("Unsqueeze", e, axes=[2, 3])
    e = b.node("PRelu", b.node("Conv", e, b.weight(4, 3, 1, 1), group=2), b.constant([0.3]))
    e = b.node("Reshape", e, b.ints(0, -1))
    e = b.node("Clip", b.node("Gemm", e, b.weight(5, 4), b.weight(5), transB=1), min=-0.9)
    b.nodes[4].name = ""  # allowed
    b.save("old-7", x, e, [1, 5], 7, size=[1, 3, 16, 16])


def pieces(random):
    """Hard swish in four ways, a mean over one axis after the other, ReduceMax, a function of the file, the newest opset."""
    b = Builder(14)
    x = random.normal(0, 3, (2, 3, 14, 12)).astype(np.float32)
    e = b.node("Conv", "x", b.weight(8, 3, 3, 3))
    three, six, sixth = b.constant(3.0), b.constant(6.0), b.constant(1 / 6)
    clip = lambda x: b.node("Clip", x, b.constant(0.0), six)
    e = b.node("Div", b.node("Mul", e, clip(b.node("Add", e, three))), six)
    e = b.node("Conv", e, b.weight(8, 4, 3, 3), group=2)
    e = b.node("Mul", b.node("Mul", e, sixth), clip(b.node("Add", three, e)))
    e = b.node("Conv", e, b.weight(8, 8, 1, 1))
    e = b.node("Mul", b.node("Clip", b.node("Add", b.node("Div", e, six), b.constant(0.5)), b.constant(0.0), b.constant(1.0)), e)
    e = b.node("Conv", e, b.weight(8, 8, 1, 1))
    e = b.node("Mul", e, b.node("HardSigmoid", e, alpha=1 / 6, beta=0.5))
    e = b.node("Swish", b.node("Conv", e, b.weight(8, 1, 1, 1), group=8))
    b.functions.append(helper.make_function(
        "local", "Scaled", ["a"], ["b"],
        [helper.make_node("Constant", [], ["k"], value_float=0.75), helper.make_node("Mul", ["a", "k"], ["c"]),
         helper.make_node("LeakyRelu", ["c"], ["b"])], [helper.make_opsetid("", 24)], ["alpha"]))
    b.functions[0].node[2].attribute.add(name="alpha", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT)
    b.nodes.append(helper.make_node("Scaled", [e], ["scaled"], name="call", domain="local", alpha=0.3))
    mean = b.node("ReduceMean", b.node("ReduceMean", "scaled", b.ints(3), keepdims=0), b.ints(2), keepdims=0)
    most = b.node("Flatten", b.node("ReduceMax", "scaled", b.ints(-1, -2), keepdims=1))
    e = b.node("Concat", mean, most, axis=1)
    b.save("pieces-24", x, b.node("Gemm", e, b.weight(16, 4), b.weight(4)), ["N", 4], 24)


def main():
    warnings.filterwarnings("ignore")
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():  # onnx appends to a file of external data that is there
        file.unlink()
    random = np.random.default_rng(6)
    torch_files(random)
    tensorflow(random)
    tensorflow_flatten(random)
    old(random)
    pieces(random)
    print(sum(path.stat().st_size for path in folder.iterdir()), "bytes")


main()
