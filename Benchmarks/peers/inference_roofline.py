"""Run by inference_roofline: each step's time beside what its layers' sizes allow.

    inference_roofline.py NETWORK.onnx PROFILE.json

The bound counts one 512-bit multiply instruction at a time, at the speed that the profile measured: a `vpdpbusd` for every 4 × 16 products
(depthwise 3×3: 3 for 16 results, 5×5: 8), and one multiplication of each 16 sums by their scale. A step cannot be faster than that, nor than
its weights can be read at the speed that the profile measured; where the second takes longer it is bound by memory.
"""

import json
import sys

import onnx
from onnx import helper, shape_inference

# `vpdpbusd` for 16 results of a depthwise convolution: four rows of a column at once, which serve two windows.
DEPTHWISE = {3: 3, 5: 8}


def layers(path):
    """(multiply-adds, multiply instructions, name) of each convolution and dense layer."""
    model = onnx.load(path)
    model.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 1
    graph = shape_inference.infer_shapes(model).graph
    shapes = {entry.name: [size.dim_value for size in entry.type.tensor_type.shape.dim] for entry in [*graph.value_info, *graph.output]}
    weights = {entry.name: list(entry.dims) for entry in graph.initializer}
    for node in graph.node:
        if node.op_type not in ("Conv", "Gemm"):
            continue
        _, channels, *sides = shapes[node.output[0]]
        pixels = sides[0] * sides[1] if sides else 1
        _, inputs, *kernel = weights[node.input[1]]
        area = kernel[0] * kernel[1] if kernel else 1
        vectors = pixels * -(-channels // 16)
        groups = next((helper.get_attribute_value(at) for at in node.attribute if at.name == "group"), 1)
        products = DEPTHWISE[kernel[0]] if groups > 1 else -(-inputs * area // 4)
        name = "classifier" if not sides else f"{'depthwise ' if groups > 1 else ''}{kernel[0]}×{kernel[1]}"
        yield pixels * channels * inputs * area, vectors * (products + 1), name


def run_of(pending, work):
    """Where the first layers are that make up a step of so many multiply-adds: one that has as many, or several in a row from the first on."""
    if work == 0:
        return slice(0, 0)
    for end in range(1, 4):
        if sum(layer[0] for layer in pending[:end]) == work:
            return slice(0, end)
    return next((slice(at, at + 1) for at, layer in enumerate(pending) if layer[0] == work), None)


def main(network, profile):
    with open(profile) as file:
        profile = json.load(file)
    rate, bandwidth = profile["bound_gmac_per_s"] / 64, profile["bound_gb_per_s"]  # instructions and bytes, milliards a second
    print(f"{profile['isa']}, {64 * rate:.1f} GMAC/s, weights at {bandwidth:.1f} GB/s; fastest of {profile['profiled_runs']} runs of each step\n")
    print("| step | output | million multiply-adds | µs | GMAC/s | bound, µs | bound by | share of the bound |")
    print("|---|---|---|---|---|---|---|---|")
    pending, sums = list(layers(network)), [0.0, 0.0, 0]
    everything = sum(work for work, _, _ in pending)
    for step in profile["steps"]:
        work, instructions, names = step["multiply_adds"], 0, []
        found = run_of(pending, work)
        if found is None:
            # Dense layers that the converter made one, or put in another order.
            *_, channels = step["output_shape"]
            instructions, names = -(-channels // 16) * (-(-work // channels // 4) + 1), ["classifier"]
        for _, count, name in pending[found] if found else []:
            instructions += count
            names.append(name)
        if found:
            del pending[found]
        multiply, memory = instructions / rate / 1e3, step["weight_bytes"] / bandwidth / 1e3
        bound, time = max(multiply, memory), 1e3 * step["min_ms"]
        sums = [sums[0] + time, sums[1] + bound, sums[2] + work]
        if work:
            shape = "×".join(map(str, step["output_shape"]))
            print(f"| {', '.join(names)} | {shape} | {work / 1e6:.2f} | {time:.1f} | {work / time / 1e3:.0f} | {bound:.1f} "
                  f"| {'multiplies' if multiply >= memory else 'memory'} | {100 * bound / time:.0f} % |")
    if sums[2] != everything:
        sys.exit(f"inference_roofline: the steps have {sums[2]} multiply-adds, the network's layers {everything}")
    print(f"| all steps | | {sums[2] / 1e6:.2f} | {sums[0]:.1f} | {sums[2] / sums[0] / 1e3:.0f} | {sums[1]:.1f} | | {100 * sums[1] / sums[0]:.0f} % |")


main(*sys.argv[1:])
