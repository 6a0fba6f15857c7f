"""Run by quantization: the photos that every quantizer sees, as PNG files at the network's own size (for `tiny convert`) and the same pixels
as .npy, uint8 N x H x W x 3. Resizing is Pillow 13's, which our preprocessing equals byte for byte.

    quantization_data.py imagenet MODEL.onnx CALIBRATION-PHOTOS FOOLBOX-PHOTOS SCIKIT-IMAGE.whl OUT
    quantization_data.py folders MODEL.onnx DATA OUT       DATA/train/CLASS/photo, at most 256 of them to calibrate; DATA/val to evaluate

OUT/{calibration,evaluation}/NNN.png, OUT/{calibration,evaluation}.npy, OUT/labels.npy (-1: none), OUT/network.json (mean, std, side).
"""

import io
import json
import os
import pathlib
import random
import sys
import zipfile

import numpy as np
import onnx
from PIL import Image

FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
CALIBRATION_LIMIT = 256
# Crops of each labelled photo, and of each of these pictures, which calibration does not use: for the share of equal answers.
CROPS, PICTURES = 9, ["motorcycle_left.png", "coins.png", "moon.png", "ihc.png"]


class Network:
    def __init__(self, path):
        model = onnx.load(path)
        metadata = {entry.key: entry.value for entry in model.metadata_props}
        self.preprocessing = json.loads(metadata["tiny.preprocessing"])
        self.labels = json.loads(metadata["tiny.labels"])
        self.side = self.preprocessing["crop"][0]
        self.filter = FILTERS[self.preprocessing["filter"]]

    def pixels(self, photo):
        """As the network's contract says: resize, centre crop."""
        photo = photo.convert("RGB")
        height, width = self.preprocessing["resize"]
        if self.preprocessing["resize_mode"] == "short_side":
            scale = height / min(photo.size)
            width, height = (int(side * scale) for side in photo.size)
        photo = photo.resize((width, height), self.filter)
        left, top = (width - self.side) // 2, (height - self.side) // 2
        return np.asarray(photo.crop((left, top, left + self.side, top + self.side)))

    def random_crop(self, photo, draw):
        edge = int(min(photo.size) * draw.uniform(0.6, 1))
        left, top = draw.randrange(photo.width - edge + 1), draw.randrange(photo.height - edge + 1)
        part = photo.convert("RGB").resize((self.side, self.side), self.filter, box=(left, top, left + edge, top + edge))
        return np.asarray(part.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if draw.random() < 0.5 else part)

    def write(self, out, calibration, evaluation, labels):
        for name, images in (("calibration", calibration), ("evaluation", evaluation)):
            folder = pathlib.Path(out) / name
            folder.mkdir(parents=True)
            for index, pixels in enumerate(images):
                Image.fromarray(pixels).save(folder / f"{index:03}.png")
            np.save(f"{folder}.npy", np.stack(images))
        np.save(f"{out}/labels.npy", np.array(labels))
        contract = {"mean": self.preprocessing["mean"], "std": self.preprocessing["std"], "side": self.side}
        pathlib.Path(f"{out}/network.json").write_text(json.dumps(contract))
        print(f"{len(calibration)} photos to calibrate, {len(evaluation)} to evaluate, of which {sum(np.array(labels) >= 0)} have labels")


def imagenet(model, calibration_folder, foolbox, wheel, out):
    network = Network(model)
    calibration = [network.pixels(Image.open(path)) for path in sorted(pathlib.Path(calibration_folder).glob("*.jpg"))]
    draw = random.Random(5)
    labelled = [(Image.open(path), network.labels.index(path.parent.name)) for path in sorted(pathlib.Path(foolbox).glob("*/*.jpg"))]
    evaluation = [network.pixels(photo) for photo, _ in labelled]
    archive = zipfile.ZipFile(wheel)
    pictures = [Image.open(io.BytesIO(archive.read(f"skimage/data/{name}"))) for name in PICTURES]
    for photo in [photo for photo, _ in labelled] + pictures:
        evaluation += [network.random_crop(photo, draw) for _ in range(CROPS)]
    labels = [label for _, label in labelled]
    network.write(out, calibration, evaluation, labels + [-1] * (len(evaluation) - len(labels)))


def folders(model, data, out):
    network = Network(model)
    paths = sorted(path for path in pathlib.Path(data, "train").glob("*/*") if path.is_file())
    random.Random(0).shuffle(paths)
    calibration = [network.pixels(Image.open(path)) for path in sorted(paths[:CALIBRATION_LIMIT])]
    held_out = sorted(path for path in pathlib.Path(data, "val").glob("*/*") if path.is_file())
    evaluation = [network.pixels(Image.open(path)) for path in held_out]
    network.write(out, calibration, evaluation, [network.labels.index(path.parent.name) for path in held_out])


if __name__ == "__main__":
    {"imagenet": imagenet, "folders": folders}[sys.argv[1]](*sys.argv[2:])
