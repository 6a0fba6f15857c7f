"""Run by check-networks: builds networks with seeded random weights and sane activations, exports them to ONNX as their users do, and
compares ONNX Runtime with `tiny infer` and float with int8. No weight is downloaded: what is tested is that every graph is read and means
the same, not that it recognizes anything.

    check_networks.py export-torch DIR NAME EXPORTER...     DIR/NAME-EXPORTER.onnx for each
    check_networks.py export-keras DIR NAME                 DIR/NAME-tf2onnx.onnx
    check_networks.py check TINY WORK MODEL.onnx [--float]  PASS or FAIL and why; --float: without converting
"""

import json
import os
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
PHOTOS = os.path.join(HERE, "..", "samples", "photos")

# Name -> (package, its name there). The Lite networks have TensorFlow's padding in timm, so they come with Pad or uneven pads.
TORCH = {
    "mobilenetv1": ("timm", "mobilenetv1_100"),
    "mobilenetv2": ("torchvision", "mobilenet_v2"),
    "mnasnet": ("torchvision", "mnasnet1_0"),
    "efficientnet-lite0": ("timm", "tf_efficientnet_lite0"),
    "efficientnet-lite1": ("timm", "tf_efficientnet_lite1"),
    "efficientnet-lite2": ("timm", "tf_efficientnet_lite2"),
    "efficientnet-lite3": ("timm", "tf_efficientnet_lite3"),
    "efficientnet-lite4": ("timm", "tf_efficientnet_lite4"),
    "resnet18": ("torchvision", "resnet18"),
    "resnet34": ("torchvision", "resnet34"),
    "resnet50": ("torchvision", "resnet50"),
    "squeezenet1.1": ("torchvision", "squeezenet1_1"),
    "regnetx-400mf": ("torchvision", "regnet_x_400mf"),
    "mobilenetv3-small": ("torchvision", "mobilenet_v3_small"),
    "mobilenetv3-large": ("torchvision", "mobilenet_v3_large"),
    "efficientnet-b0": ("timm", "efficientnet_b0"),
}
KERAS = {"keras-mobilenetv1": "MobileNet", "keras-mobilenetv2": "MobileNetV2", "keras-efficientnet-b0": "EfficientNetB0"}
# Exporter -> opset: 23 is the newest of torch 2.13. torchscript-13 and dynamo-18 have a symbolic batch; dynamo-23 has its weights in a file beside it.
EXPORTERS = {"torchscript-11": 11, "torchscript-13": 13, "torchscript-17": 17, "dynamo-18": 18, "dynamo-23": 23}


# ---- building and exporting ----

def crops(side, count, seed):
    """Random crops of the two sample photos, uint8 count x side x side x 3."""
    from PIL import Image

    random = np.random.default_rng(seed)
    photos = [Image.open(os.path.join(PHOTOS, name)).convert("RGB") for name in ("chelsea.jpg", "coffee.jpg")]
    out = []
    for index in range(count):
        photo = photos[index % len(photos)]
        edge = int(min(photo.size) * random.uniform(0.4, 1))
        x, y = random.integers(0, photo.width - edge + 1), random.integers(0, photo.height - edge + 1)
        crop = photo.resize((side, side), Image.BILINEAR, box=(x, y, x + edge, y + edge))
        out.append(np.asarray(crop.transpose(Image.FLIP_LEFT_RIGHT) if index % 4 > 1 else crop))
    return np.stack(out)


def normalized(pixels, mean, std):
    return ((pixels.astype(np.float32) / 255 - mean) / std).astype(np.float32)


def torch_network(name):
    """The network in evaluation mode, its input's side, mean and standard deviation (scale 0-1). Each batch norm's statistics are those
    of its input on a few photos, so that activations neither die nor blow up; its factor and summand are random, so that folding matters."""
    import torch

    torch.manual_seed(sum(name.encode()))
    # PyPI's torchvision is for CUDA: its compiled operators do not load, and none is used, but it registers against their names.
    library = torch.library.Library("torchvision", "DEF")
    for operator in ("nms", "qnms"):
        library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    package, builder = TORCH[name]
    if package == "timm":
        import timm

        network = timm.create_model(builder, exportable=True)
        settings = network.default_cfg
        side, mean, std = settings["input_size"][-1], settings["mean"], settings["std"]
    else:
        import torchvision

        network = getattr(torchvision.models, builder)(weights=None)
        side, mean, std = 224, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.modules.batchnorm._BatchNorm)]
    for norm in norms:
        norm.momentum = 1.0
        torch.nn.init.uniform_(norm.weight, 0.5, 1.5)
        torch.nn.init.normal_(norm.bias, std=0.3)
    network.eval()
    for norm in norms:
        norm.train()
    batch = normalized(crops(side, 8, seed=1), np.float32(mean), np.float32(std)).transpose(0, 3, 1, 2)
    with torch.no_grad():
        network(torch.from_numpy(np.ascontiguousarray(batch)))
    return network.eval(), side, mean, std, library


def annotate(path, mean, std):
    """Writes into the file's metadata what `check` has to normalize photos with, on the scale 0-255."""
    import onnx

    model = onnx.load(path, load_external_data=False)
    for key, values in (("check.mean", mean), ("check.std", std)):
        model.metadata_props.add(key=key, value=json.dumps([255 * value for value in values]))
    onnx.save(model, path)


def export_torch(folder, name, exporters):
    import torch

    torch.set_num_threads(1)
    network, side, mean, std, _library = torch_network(name)
    for exporter in exporters:
        path = os.path.join(folder, f"{name}-{exporter}.onnx")
        example = torch.zeros(1, 3, side, side)
        options = dict(input_names=["input"], output_names=["logits"], opset_version=EXPORTERS[exporter])
        if exporter == "torchscript-13":
            options.update(dynamic_axes={"input": {0: "batch"}, "logits": {0: "batch"}})
        elif exporter == "dynamo-18":  # an example of one photo would make the batch a constant
            example = torch.zeros(2, 3, side, side)
            options.update(dynamic_shapes=({0: torch.export.Dim("batch")},), external_data=False)
        dynamo = exporter.startswith("dynamo")
        torch.onnx.export(network, (example,), path, dynamo=dynamo, **options, **(dict(verbose=False) if dynamo else {}))
        annotate(path, mean, std)
        print(path, flush=True)


def export_keras(folder, name):
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf
    import tf2onnx

    keras.utils.set_random_seed(sum(name.encode()))
    side = 224
    network = getattr(keras.applications, KERAS[name])(weights=None, input_shape=(side, side, 3))
    random = np.random.default_rng(0)
    # EfficientNet's own layers scale to 0-1 and normalize; the others want -1 to 1.
    own = "efficientnet" in name
    mean, std = ((0, 0, 0), (1 / 255,) * 3) if own else ((0.5,) * 3, (0.5,) * 3)
    batch = normalized(crops(side, 8, seed=1), np.float32(mean), np.float32(std))
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    for norm in norms:
        norm.momentum = 0.0
        norm.gamma.assign(random.uniform(0.5, 1.5, norm.gamma.shape))
        norm.beta.assign(random.normal(0, 0.3, norm.beta.shape))
    # Dropout stays off and each norm takes its input's own statistics: a forward pass layer by layer in training mode would drop paths.
    for layer in network.layers:
        if "Dropout" in type(layer).__name__:
            layer.rate = 0.0
    network(batch, training=True)
    path = os.path.join(folder, f"{name}-tf2onnx.onnx")
    function = tf.function(lambda x: network(x, training=False), input_signature=[tf.TensorSpec((None, side, side, 3), tf.float32, name="input")])
    tf2onnx.convert.from_function(function, input_signature=function.input_signature, opset=15, output_path=path)
    annotate(path, mean, std)
    print(path)


def write_photos(folder, side):
    from PIL import Image

    for name, count, seed in (("calibration", 16, 2), ("evaluation", 32, 3)):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
        for index, pixels in enumerate(crops(side, count, seed)):
            Image.fromarray(pixels).save(os.path.join(folder, name, f"{index:03}.png"))


# ---- checking ----

def without_softmax(model):
    """A final Softmax is dropped by the converter: so it is here, and the logits are compared. tf2onnx leaves inputs that nothing reads."""
    read = {name for node in model.graph.node for name in node.input}
    for source in [source for source in model.graph.input if source.name not in read]:
        model.graph.input.remove(source)
    names = {output.name for output in model.graph.output}
    for node in model.graph.node:
        if node.op_type == "Softmax" and node.output[0] in names:
            del model.graph.output[:]
            model.graph.output.add(name=node.input[0])
    return model


def check(tiny, work, path, only=None):
    import onnx
    import onnxruntime

    name = os.path.basename(path).removesuffix(".onnx")
    model = onnx.load(path)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    mean, std = (np.float32(json.loads(metadata[f"check.{key}"])) for key in ("mean", "std"))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL  # the file's meaning, without fusions
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        without_softmax(model).SerializeToString(), options, providers=["CPUExecutionProvider"])
    (source,) = session.get_inputs()
    batch = source.shape[0] if isinstance(source.shape[0], int) else 3
    channels_last = source.shape[3] == 3
    side = source.shape[2]
    run = lambda pixels: np.concatenate([
        session.run(None, {source.name: pixels[i:i + batch] if channels_last else np.ascontiguousarray(pixels[i:i + batch].transpose(0, 3, 1, 2))})[0]
        for i in range(0, len(pixels), batch)])
    folder = os.path.join(work, f"photos-{side}")
    if not os.path.isdir(folder):
        write_photos(folder, side)

    failures = []
    # Photos, and noise as wide as normalized photos are: both must agree.
    photos = ((crops(side, 3, seed=4).astype(np.float32) - mean) / std).astype(np.float32)
    noise = np.random.default_rng(5).normal(size=photos.shape).astype(np.float32)
    worst = 0.0
    for values in (photos, noise):
        expected = run(values)
        expected = expected.reshape(len(values), -1)
        np.save(f"{work}/x.npy", np.ascontiguousarray(values.transpose(0, 3, 1, 2)))
        done = subprocess.run([tiny, "infer", path, "--input", f"{work}/x.npy", "--output", f"{work}/y.npy"], capture_output=True, text=True)
        if done.returncode:
            failures.append(f"tiny infer: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else done.returncode}")
            break
        actual = np.load(f"{work}/y.npy")
        if actual.shape != expected.shape:
            failures.append(f"shape {actual.shape}, ONNX Runtime's {expected.shape}")
            break
        error = float(np.abs(actual - expected).max() / np.abs(expected).max())
        worst = max(worst, error) if error == error else float("nan")
    if not failures and not worst <= 1e-4:
        failures.append(f"logits differ by {worst:.1e} of the largest")

    summary = ""
    if not failures and only != "--float":
        output = f"{work}/model.tiny"
        command = [tiny, "convert", path, "--calibration", f"{folder}/calibration", "--evaluate", f"{folder}/evaluation", "-o", output,
                   "--mean", ",".join(f"{value:.9g}" for value in mean), "--std", ",".join(f"{value:.9g}" for value in std), "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            lines = done.stderr.strip().splitlines()
            failures.append(f"tiny convert: exit {done.returncode}: {lines[-1] if lines else ''}")
        else:
            # Our own arithmetic on the results, from the file that was written, not the converter's word for it.
            pixels = crops(side, 32, seed=3)
            np.save(f"{work}/pixels.npy", pixels)
            subprocess.run([tiny, "infer", output, "--input", f"{work}/pixels.npy", "--output", f"{work}/q.npy"], check=True)
            expected = run(((pixels.astype(np.float32) - mean) / std).astype(np.float32)).reshape(len(pixels), -1)
            actual = np.load(f"{work}/q.npy")
            ratio = 10 * np.log10(np.sum(expected.astype(np.float64) ** 2) / np.sum((expected.astype(np.float64) - actual) ** 2))
            equal = int(np.sum(expected.argmax(1) == actual.argmax(1)))
            summary = f"int8: SQNR {ratio:5.1f} dB, equal answers {equal:2} of {len(pixels)}, {os.path.getsize(output)} bytes"
            os.remove(output)
    operators = len(model.graph.node)
    error = f"largest difference {worst:.1e}" if worst else ""
    print(f"{'FAIL' if failures else 'PASS'}  {name:36} opset {opset:2}, {operators:3} nodes  {error}  {summary}{'; '.join(failures)}", flush=True)
    return not failures


def main(arguments):
    command, rest = arguments[0], arguments[1:]
    if command == "export-torch":
        export_torch(rest[0], rest[1], rest[2:])
    elif command == "export-keras":
        export_keras(*rest)
    elif command == "check":
        sys.exit(0 if check(*rest) else 1)
    elif command == "list":
        print("\n".join([*TORCH, *KERAS]))
    else:
        sys.exit(f"unknown command {command}")


if __name__ == "__main__":
    main(sys.argv[1:])
