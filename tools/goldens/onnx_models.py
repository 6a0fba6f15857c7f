# ONNX files and their answers for Tests/ModelGraphTests, made with onnx 1.23.2 and answered by onnxruntime 1.32.0 (numpy 2.4.6).
#   every-op.onnx         a small network that uses every op and every form that the reader accepts, opset 17
#   every-op.safetensors  "x" and the value of each edge that is left in a FloatGraph, from ONNX Runtime
#   attributes.onnx/...   opset 9: Clip with attributes, weights named among the inputs, values as float_data
#   refused/NAME.onnx     one file for each thing that the reader refuses; the test says which error it expects
#   written.onnx          is not made but checked here: what our writer makes of every-op.onnx (see ONNXWriterTests)
# Run: $(tools/goldens/setup) tools/goldens/onnx_models.py
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import save_file

folder = pathlib.Path(__file__).parents[2] / "Tests/ModelGraphTests/Goldens"
(folder / "refused").mkdir(exist_ok=True)
for file in (folder / "refused").iterdir():
    file.unlink()
F = TensorProto.FLOAT


class Builder:
    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.nodes, self.weights = [], []

    def weight(self, name, shape, low=-0.7, high=0.7):
        self.constant(name, self.random.uniform(low, high, shape))

    def constant(self, name, values):
        self.weights.append(numpy_helper.from_array(np.asarray(values, np.float32), name))

    def node(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name="n_" + output, **attributes))
        return output

    def batch_norm(self, x, output, channels, **attributes):
        self.weight(output + ".scale", [channels], 0.5, 1.5)
        self.weight(output + ".shift", [channels])
        self.weight(output + ".mean", [channels])
        self.weight(output + ".variance", [channels], 0.1, 2)
        names = [output + suffix for suffix in (".scale", ".shift", ".mean", ".variance")]
        return self.node("BatchNormalization", [x] + names, output, **attributes)

    def model(self, size, output, classes, opset=17, ir=8, inputs=(), metadata={}):
        graph = helper.make_graph(
            self.nodes, "small",
            [helper.make_tensor_value_info("x", F, ["N"] + size), *inputs],
            [helper.make_tensor_value_info(output, F, ["N"] + classes)], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=ir, producer_name="golden")
        helper.set_model_props(model, metadata)
        return model


def answers(model, x, edges):
    """Every named edge's value for x."""
    model = onnx.ModelProto.FromString(model.SerializeToString())
    shown = {value.name for value in model.graph.output}
    model.graph.output.extend(helper.make_tensor_value_info(edge, F, None) for edge in edges if edge not in shown)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip(edges, session.run(edges, {"x": x})))


def every_op():
    b = Builder(1)
    b.weight("conv.w", [8, 3, 3, 3])
    b.weight("conv.b", [8])
    # TensorFlow's asymmetric padding: top 0, left 1, bottom 1, right 2.
    b.node("Conv", ["x", "conv.w", "conv.b"], "conv", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 1, 1, 2])
    b.batch_norm("conv", "bn", 8, epsilon=1e-3, momentum=0.9)
    b.constant("zero", 0.0)
    b.constant("six", 6.0)
    b.node("Clip", ["bn", "zero", "six"], "relu6")
    b.weight("depthwise.w", [8, 1, 3, 5])  # no kernel_shape, no bias
    b.node("Conv", ["relu6", "depthwise.w"], "depthwise", group=8, pads=[1, 2, 1, 2], dilations=[1, 1])
    b.batch_norm("depthwise", "depthwise_bn", 8)
    b.node("Relu", ["depthwise_bn"], "relu")
    b.weight("pointwise.w", [8, 8, 1, 1])
    b.node("Conv", ["relu", "pointwise.w", ""], "pointwise")
    b.node("Add", ["pointwise", "relu6"], "sum")
    b.node("Identity", ["sum"], "same")
    b.node("MaxPool", ["same"], "pooled", kernel_shape=[3, 2], strides=[2, 1], pads=[1, 0, 1, 1], ceil_mode=0)
    b.node("Sigmoid", ["pooled"], "gate")
    b.node("Mul", ["gate", "gate"], "gated")
    b.node("Concat", ["gated", "pooled", "gated"], "joined", axis=1)
    b.node("GlobalAveragePool", ["joined"], "average_1x1")
    b.node("Flatten", ["average_1x1"], "average")
    b.node("GlobalMaxPool", ["joined"], "most_1x1")
    b.node("Flatten", ["most_1x1"], "most", axis=1)
    b.node("Flatten", ["most_1x1"], "most_again", axis=1)
    b.batch_norm("average", "average_bn", 24)
    b.node("Concat", ["average_bn", "most", "most_again"], "features", axis=1)
    b.node("Dropout", ["features"], "dropped")
    b.weight("hidden.w", [10, 72])
    b.node("Gemm", ["dropped", "hidden.w"], "hidden", transB=1)
    b.batch_norm("hidden", "hidden_bn", 10)
    b.node("Elu", ["hidden_bn"], "elu", alpha=1.0)
    b.node("Clip", ["elu", "", "six"], "below_six")
    b.node("Clip", ["elu", "zero"], "above_zero")
    b.node("Mul", ["below_six", "above_zero"], "product")
    b.weight("head.w", [5, 10])
    b.weight("head.b", [5])
    b.node("Gemm", ["product", "head.w", "head.b"], "logits", transB=1, alpha=1.0, beta=1.0)
    b.node("Relu", ["hidden"], "unused")
    return b.model([3, 15, 18], "logits", [5], metadata={"b.key": "two", "a.key": "one", "tiny.labels": '["ü"]'})


EDGES = """conv bn relu6 depthwise depthwise_bn relu pointwise sum pooled gate gated joined average most average_bn features hidden
hidden_bn elu below_six above_zero product logits""".split()


def attributes():
    b = Builder(2)
    b.weight("conv.w", [4, 3, 1, 1])
    b.node("Conv", ["x", "conv.w"], "conv", auto_pad="NOTSET")
    b.node("Clip", ["conv"], "clip", min=-0.5, max=0.5)
    b.node("GlobalAveragePool", ["clip"], "pool")
    b.node("Dropout", ["pool"], "dropped", ratio=0.5)
    b.node("Flatten", ["dropped"], "flat")
    b.weight("fc.w", [2, 4])
    b.weight("fc.b", [2])
    b.node("Gemm", ["flat", "fc.w", "fc.b"], "y", transB=1)
    b.weights = [helper.make_tensor(w.name, F, w.dims, numpy_helper.to_array(w).ravel().tolist()) for w in b.weights]
    inputs = [helper.make_tensor_value_info(w.name, F, list(w.dims)) for w in b.weights]
    return b.model([3, 4, 6], "y", [2], opset=9, ir=3, inputs=inputs)


def tiny_model(change=lambda b: None, after=lambda m: None, **arguments):
    """conv → relu → global average pool → gemm, with one thing wrong."""
    b = Builder(3)
    b.weight("conv.w", [4, 3, 3, 3])
    b.weight("fc.w", [2, 4])
    b.node("Conv", ["x", "conv.w"], "conv", pads=[1, 1, 1, 1])
    b.node("Relu", ["conv"], "relu")
    b.node("GlobalAveragePool", ["relu"], "pool")
    b.node("Flatten", ["pool"], "flat")
    b.node("Gemm", ["flat", "fc.w"], "y", transB=1)
    change(b)
    model = b.model([3, 8, 8], "y", [2], **arguments)
    after(model)
    return model.SerializeToString()


def add_input(model, read):
    """A second input z, added to the ReLU's output or read by nothing (as tf2onnx leaves some)."""
    model.graph.input.append(helper.make_tensor_value_info("z", F, [1]))
    if read:
        model.graph.node.insert(2, helper.make_node("Add", ["relu", "z"], ["sum"], name="n_sum"))
        model.graph.node[3].input[0] = "sum"


def set_attribute(index, **attributes):
    def change(b):
        for name, value in attributes.items():
            kept = [a for a in b.nodes[index].attribute if a.name != name]
            del b.nodes[index].attribute[:]
            b.nodes[index].attribute.extend(kept + [helper.make_attribute(name, value)])
    return change


def replace(index, op, **fields):
    def change(b):
        b.nodes[index] = helper.make_node(op, b.nodes[index].input, b.nodes[index].output, name=b.nodes[index].name, **fields)
    return change


def tensor(index, **fields):
    def change(b):
        for name, value in fields.items():
            if name == "dims":
                del b.weights[index].dims[:]
                b.weights[index].dims.extend(value)
            else:
                setattr(b.weights[index], name, value)
    return change


def nested_graph(b):
    graph = helper.make_graph([], "empty", [], [])
    b.nodes[1] = helper.make_node("If", ["conv"], ["relu"], name="n_relu", then_branch=graph, else_branch=graph)


def batch_norm(variance=None, **attributes):
    """After the convolution."""
    def change(b):
        b.batch_norm("conv", "bn", 4, **attributes)
        b.nodes.insert(1, b.nodes.pop())
        b.nodes[2].input[0] = "bn"
        if variance:
            b.weights.pop()
            b.constant("bn.variance", variance)
    return change


def constant(b, name, values):
    b.weights.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
    return name


def between(index, *steps):
    """Nodes between a node and its reader: operator, attributes, further inputs (names, or integers of a constant)."""
    def change(b):
        edge = b.nodes[index].output[0]
        b.nodes[index].output[0] = "first"
        names = ["first"] + [f"step_{n}" for n in range(len(steps) - 1)] + [edge]
        for n, (op, attributes, *more) in enumerate(steps):
            inputs = [item if isinstance(item, str) else constant(b, f"more_{n}_{i}", item) for i, item in enumerate(more)]
            b.nodes.insert(index + 1 + n, helper.make_node(op, [names[n]] + inputs, [names[n + 1]], name=f"n_step_{n}", **attributes))
    return change


def huge(op, shape, *inputs):
    """A constant as large as its shape says, as the linear layer's bias."""
    def change(b):
        b.nodes.insert(0, helper.make_node(op, [*inputs, constant(b, "shape", shape)], ["huge"], name="n_huge"))
        b.nodes[5].input.append("huge")
    return change


def crowd(b):
    """Forty factors, one number in the file each, of an image of many channels."""
    b.constant("two", 2.0)
    b.nodes[:0] = [helper.make_node("Mul", [f"m_{n - 1}" if n else "x", "two"], [f"m_{n}"], name=f"n_mul_{n}") for n in range(40)]
    b.nodes[40].input[0] = "m_39"


def doubled(b):
    """A bias that forty nodes double in length, one after the other."""
    b.constant("c_0", np.zeros(64))
    b.nodes[:0] = [helper.make_node("Concat", [f"c_{n}", f"c_{n}"], [f"c_{n + 1}"], name=f"n_c_{n}", axis=0) for n in range(40)]
    b.nodes[-1].input.append("c_40")


def maps(b):
    """One factor a pixel."""
    b.weight("map.w", [1, 4, 1, 1])
    b.nodes[2:2] = [helper.make_node("Conv", ["relu", "map.w"], ["map"]), helper.make_node("Mul", ["relu", "map"], ["product"], name="n_mul")]
    b.nodes[4].input[0] = "product"


def double(b, value):
    values = numpy_helper.to_array(b.weights[0]).astype(np.float64)
    values.flat[5] = value
    b.weights[0] = numpy_helper.from_array(values, "conv.w")


def half(b, value):
    values = numpy_helper.to_array(b.weights[0]).astype(np.float16)
    values.flat[5] = value
    b.weights[0] = numpy_helper.from_array(values, "conv.w")


def recursive(m):
    m.functions.append(helper.make_function("local", "Relu", ["a"], ["b"], [helper.make_node("Relu", ["a"], ["b"], domain="local")], []))


def swap(b):
    b.nodes[0], b.nodes[1] = b.nodes[1], b.nodes[0]


def input_size(axis, **fields):
    """Another size of the image in the finished model."""
    def after(m):
        for name, value in fields.items():
            setattr(m.graph.input[0].type.tensor_type.shape.dim[axis], name, value)
    return after


good = tiny_model()
REFUSED = {
    # bytes
    "truncated": good[: len(good) // 2],
    "text": b"this is not a model, it is a sentence\n",
    "no-graph": tiny_model(after=lambda m: m.ClearField("graph")),
    "crowded": tiny_model(after=lambda m: m.graph.node.extend([onnx.NodeProto()] * 5000)),
    # versions
    "opset-6": tiny_model(opset=6),
    "opset-29": tiny_model(opset=29),
    "opset-twice": tiny_model(after=lambda m: m.opset_import.append(helper.make_opsetid("", 17))),
    "ir-2": tiny_model(ir=2),
    # ops and their forms
    "op": tiny_model(replace(1, "Tanh")),
    "domain": tiny_model(replace(1, "Relu", domain="com.example")),
    "subgraph": tiny_model(nested_graph),
    "conv-auto-pad": tiny_model(set_attribute(0, auto_pad="SAME")),
    "conv-dilations": tiny_model(set_attribute(0, dilations=[2, 2])),
    "conv-groups": tiny_model(set_attribute(0, group=2)),
    "conv-strides": tiny_model(set_attribute(0, strides=[2])),
    "conv-stride-zero": tiny_model(set_attribute(0, strides=[0, 1])),
    "conv-stride-huge": tiny_model(set_attribute(0, strides=[2**62, 1])),
    "conv-pads-negative": tiny_model(set_attribute(0, pads=[-1, 0, 0, 0])),
    "conv-kernel-shape": tiny_model(set_attribute(0, kernel_shape=[5, 5])),
    "conv-attribute": tiny_model(set_attribute(0, surprise=1)),
    "conv-attribute-type": tiny_model(set_attribute(0, group=1.0)),
    "conv-attribute-twice": tiny_model(lambda b: b.nodes[0].attribute.append(helper.make_attribute("pads", [0, 0, 0, 0]))),
    "conv-outputs": tiny_model(lambda b: b.nodes[0].output.append("more")),
    "gemm-trans-b": tiny_model(set_attribute(4, transB=0)),
    "gemm-trans-a": tiny_model(set_attribute(4, transA=1)),
    "gemm-inputs": tiny_model(lambda b: b.nodes[4].input.pop()),
    "elu-alpha": tiny_model(replace(1, "Elu", alpha=0.5)),
    "concat-axis": tiny_model(replace(1, "Concat", axis=2)),
    "add-constant": tiny_model(lambda b: (replace(1, "Add")(b), b.nodes[1].input.append("fc.w"))),
    "clip-edge": tiny_model(lambda b: (replace(1, "Clip")(b), b.nodes[1].input.append("x"))),
    "clip-range": tiny_model(lambda b: (b.constant("one", 1.0), b.constant("two", 2.0), replace(1, "Clip")(b),
                                       b.nodes[1].input.extend(["two", "one"]))),
    "max-pool-ceil": tiny_model(replace(1, "MaxPool", kernel_shape=[3, 3], strides=[4, 4], ceil_mode=1)),
    "max-pool-pads": tiny_model(replace(1, "MaxPool", kernel_shape=[2, 2], pads=[2, 0, 0, 0])),
    "pool-without-flatten": tiny_model(replace(3, "Relu")),
    "flatten": tiny_model(lambda b: replace(2, "Sigmoid")(b)),
    "flatten-axis": tiny_model(set_attribute(3, axis=2)),
    "softmax-inside": tiny_model(between(3, ("Softmax", dict(axis=1)), ("Relu", {}))),
    "softmax-axis": tiny_model(between(4, ("Softmax", dict(axis=0)))),
    "sigmoid-last": tiny_model(between(4, ("Sigmoid", {}))),
    "pad-mode": tiny_model(between(1, ("Pad", dict(mode="reflect"), [0, 0, 1, 1, 0, 0, 1, 1]))),
    "pad-value": tiny_model(lambda b: (b.constant("one", 1.0), between(1, ("Pad", {}, [0, 0, 1, 1, 0, 0, 1, 1], "one"))(b))),
    "pad-negative": tiny_model(between(1, ("Pad", {}, [0, 0, -1, 0, 0, 0, 0, 0]))),
    "pad-channels": tiny_model(between(1, ("Pad", {}, [0, 1, 0, 0, 0, 0, 0, 0]))),
    "pad-before-relu": tiny_model(between(0, ("Pad", {}, [0, 0, 1, 1, 0, 0, 1, 1]))),
    "pad-before-max-pool": tiny_model(between(0, ("Pad", {}, [0, 0, 1, 1, 0, 0, 1, 1]), ("MaxPool", dict(kernel_shape=[3, 3])))),
    "average-pool-ceil": tiny_model(replace(1, "AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1, count_include_pad=1)),
    "concat-flattened": tiny_model(between(1, ("Flatten", {}), ("Concat", dict(axis=1)))),
    "mul-pixels": tiny_model(lambda b: (b.constant("map", np.arange(64).reshape(8, 8)), between(1, ("Mul", {}, "map"))(b))),
    "mul-maps": tiny_model(maps),
    "div-activations": tiny_model(between(1, ("Div", {}, "conv"))),
    "div-zero": tiny_model(lambda b: (b.constant("none", 0.0), between(1, ("Div", {}, "none"))(b))),
    "reshape-shuffle": tiny_model(between(1, ("Reshape", {}, [0, 2, 2, 8, 8]))),
    "reshape-size": tiny_model(between(1, ("Reshape", {}, [0, 5, -1]))),
    "reduce-channels": tiny_model(between(1, ("ReduceMean", dict(axes=[1])))),
    "transpose-perm": tiny_model(between(1, ("Transpose", dict(perm=[0, 1, 1, 2])))),
    "layout": tiny_model(between(0, ("Transpose", dict(perm=[0, 2, 3, 1])), ("GlobalAveragePool", {}))),
    "cast-integer": tiny_model(between(1, ("Cast", dict(to=TensorProto.INT64)))),
    "prelu-slopes": tiny_model(lambda b: (b.constant("slopes", [[[1]], [[2]], [[3]], [[4]]]), between(1, ("PRelu", {}, "slopes"))(b))),
    "constant-huge": tiny_model(huge("ConstantOfShape", [10**6, 10**6])),
    "constant-large": tiny_model(huge("ConstantOfShape", [2**13, 2**13])),
    "constant-negative": tiny_model(huge("ConstantOfShape", [-1])),
    "constant-doubled": tiny_model(doubled),
    "expand-huge": tiny_model(lambda b: (b.constant("one", 1.0), huge("Expand", [10**6, 10**6], "one")(b))),
    "tile-huge": tiny_model(lambda b: (b.constant("ones", [[1.0]]), huge("Tile", [10**6, 10**6], "ones")(b))),
    "factors-crowd": tiny_model(crowd, input_size(1, dim_value=2**16)),
    "gather-index": tiny_model(lambda b: (constant(b, "places", [4]), b.nodes.insert(0, helper.make_node("Gather", ["fc.w", "places"], ["g"], name="n_g", axis=1)),
                                          b.nodes[1].input.append("g"))),
    "function-itself": tiny_model(lambda b: setattr(b.nodes[1], "domain", "local"), recursive),
    "batch-norm-training": tiny_model(batch_norm(training_mode=1)),
    "batch-norm-variance": tiny_model(batch_norm(variance=[1, 1, -1, 1])),
    # weights
    "weight-missing": tiny_model(lambda b: b.weights.pop(0)),
    "weight-twice": tiny_model(lambda b: b.weights.append(b.weights[0])),
    "weight-type": tiny_model(tensor(0, data_type=TensorProto.STRING)),
    "weight-external": tiny_model(tensor(0, data_location=TensorProto.EXTERNAL)),
    "weight-double": tiny_model(lambda b: double(b, 1e300)),
    "weight-half": tiny_model(lambda b: half(b, np.inf)),
    "weight-short": tiny_model(lambda b: tensor(0, raw_data=b.weights[0].raw_data[:-4])(b)),
    "weight-huge": tiny_model(tensor(0, dims=[2**32, 2**32, 3, 3])),
    "weight-negative": tiny_model(tensor(0, dims=[-4, -3, 3, 3])),
    "weight-nan": tiny_model(lambda b: tensor(0, raw_data=b.weights[0].raw_data[:-4] + b"\x00\x00\xc0\x7f")(b)),
    "weight-shape": tiny_model(tensor(0, dims=[3, 4, 3, 3])),
    "linear-shape": tiny_model(tensor(1, dims=[4, 2])),
    # names and edges
    "edge-missing": tiny_model(lambda b: b.nodes[1].input.__setitem__(0, "nowhere")),
    "edge-twice": tiny_model(lambda b: b.nodes[1].output.__setitem__(0, "conv")),
    "edge-is-weight": tiny_model(lambda b: b.nodes[1].output.__setitem__(0, "fc.w")),
    "cycle": tiny_model(lambda b: b.nodes[0].input.__setitem__(0, "relu")),
    "order": tiny_model(swap),
    # the graph
    "input-missing": tiny_model(after=lambda m: m.graph.ClearField("input")),
    "input-two": tiny_model(after=lambda m: add_input(m, read=True)),
    "input-type": tiny_model(after=lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", TensorProto.UINT8)),
    "input-rank": tiny_model(after=lambda m: m.graph.input[0].type.tensor_type.shape.dim.pop()),
    "input-free-size": tiny_model(after=input_size(2, dim_param="H")),
    "input-zero": tiny_model(after=input_size(2, dim_value=0)),
    "input-huge": tiny_model(after=input_size(2, dim_value=2**62)),
    "output-two": tiny_model(after=lambda m: m.graph.output.append(helper.make_tensor_value_info("conv", F, None))),
    "output-missing": tiny_model(after=lambda m: setattr(m.graph.output[0], "name", "nowhere")),
    "output-image": tiny_model(after=lambda m: setattr(m.graph.output[0], "name", "relu")),
    "metadata-twice": tiny_model(after=lambda m: [m.metadata_props.add(key="a", value="b") for _ in range(2)]),
}


def check_written(reference, x):
    path = folder / "written.onnx"
    if not path.exists():
        return print("written.onnx is not there yet")
    written = onnx.load(path)
    onnx.checker.check_model(written, full_check=True)
    edges = ["logits"]
    expected = answers(reference, x, edges)["logits"]
    difference = np.abs(answers(written, x, edges)["logits"] - expected).max() / np.abs(expected).max()
    assert difference < 1e-6, difference
    assert written.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"
    print(f"written.onnx passes the checker; logits differ by {difference:.1e} of the largest")


def check_foreign():
    """ONNX Runtime's values of the graph that ONNXWriterTests wrote, one an edge of ours."""
    path = folder / "written-foreign.onnx"
    if not path.exists():
        return print("written-foreign.onnx is not there yet")
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    x = np.random.default_rng(5).normal(0, 1, (2, 3, 9, 8)).astype(np.float32)
    made = {output for node in model.graph.node for output in node.output}
    edges = [name for name in sorted(made) if not any(part in name for part in ("/pooled", "/sigmoid", "/factors"))]
    save_file({"x": x, **answers(model, x, edges)}, folder / "written-foreign.safetensors")


def main():
    check_foreign()
    onnx.checker.check_model(onnx.ModelProto.FromString(good))
    unread = tiny_model(after=lambda m: add_input(m, read=False))
    (folder / "unread-input.onnx").write_bytes(unread)
    for name, data in REFUSED.items():
        (folder / "refused" / f"{name}.onnx").write_bytes(data)
    random = np.random.default_rng(4)
    for name, model, size, edges in [
        ("every-op", every_op(), (2, 3, 15, 18), EDGES), ("attributes", attributes(), (3, 3, 4, 6), ["conv", "clip", "flat", "y"]),
    ]:
        onnx.checker.check_model(model, full_check=True)
        x = random.normal(0, 1, size).astype(np.float32)
        (folder / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))
        save_file({"x": x, **answers(model, x, edges)}, folder / f"{name}.safetensors")
        if name == "every-op":
            check_written(model, x)


main()
