"""An ONNX network as a PyTorch module, with the operators that the networks of inference_speed have once batch norms are folded. Left out:
everything else that ONNX has.
"""

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import nn
from torch.nn import functional


class Network(nn.Module):
    """x float32 1 x 3 x H x W -> logits. `symmetric`: padding as wide before as behind, so that no Pad is needed; the sizes stay."""

    def __init__(self, path, symmetric=False):
        super().__init__()
        graph = onnx.load(path).graph
        self.weights = {entry.name: numpy_helper.to_array(entry) for entry in graph.initializer}
        self.source, self.answer = graph.input[0].name, graph.output[0].name
        self.layers, self.steps = nn.ModuleList(), []
        for node in graph.node:
            at = {attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute}
            if node.op_type in ("Conv", "Gemm"):
                weight = self.weights[node.input[1]]
                weight = weight.T if node.op_type == "Gemm" and not at.get("transB", 0) else weight
                bias = self.weights[node.input[2]] if len(node.input) > 2 else np.zeros(weight.shape[0], np.float32)
                action = self.convolution(weight, bias, at, symmetric) if node.op_type == "Conv" else self.linear(weight, bias)
            else:
                action = self.plain(node)
            self.steps.append((action, [name for name in node.input if name not in self.weights], node.output[0]))
        del self.weights

    def keep(self, layer, weight, bias):
        layer.weight = nn.Parameter(torch.from_numpy(np.array(weight, np.float32)), requires_grad=False)
        layer.bias = nn.Parameter(torch.from_numpy(np.array(bias, np.float32)), requires_grad=False)
        self.layers.append(layer)
        return layer

    def convolution(self, weight, bias, at, symmetric):
        top, left, bottom, right = at.get("pads", [0] * 4)
        stride, groups = at.get("strides", [1, 1]), at.get("group", 1)
        even = (top, left) == (bottom, right)
        padding = (max(top, bottom), max(left, right)) if symmetric or even else 0
        outputs, inputs, *kernel = weight.shape
        layer = self.keep(nn.Conv2d(inputs * groups, outputs, kernel, stride, padding, groups=groups), weight, bias)
        return layer if symmetric or even else lambda x: layer(functional.pad(x, (left, right, top, bottom)))

    def linear(self, weight, bias):
        return self.keep(nn.Linear(weight.shape[1], weight.shape[0]), weight, bias)

    def plain(self, node):
        if node.op_type == "Clip" and [float(self.weights[name]) for name in node.input[1:3]] != [0, 6]:
            raise NotImplementedError(f"{node.name}: Clip to other limits than 0 and 6")
        actions = {
            "Clip": functional.relu6,
            "Relu": functional.relu,
            "Sigmoid": torch.sigmoid,
            "Elu": functional.elu,
            "Add": lambda a, b: a + b,
            "Mul": lambda a, b: a * b,
            "Concat": lambda *x: torch.cat(x, 1),
            "GlobalAveragePool": lambda x: functional.adaptive_avg_pool2d(x, 1),
            "GlobalMaxPool": lambda x: torch.amax(x, (2, 3), keepdim=True),
            "Flatten": lambda x: torch.flatten(x, 1),
            "Dropout": lambda x: x,
            "Identity": lambda x: x,
        }
        if node.op_type not in actions:
            raise NotImplementedError(f"{node.name}: {node.op_type}")
        return actions[node.op_type]

    def forward(self, x):
        edges = {self.source: x}
        for action, inputs, output in self.steps:
            edges[output] = action(*(edges[name] for name in inputs))
        return edges[self.answer]
