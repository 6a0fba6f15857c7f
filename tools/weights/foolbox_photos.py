"""foolbox-photos: the 20 labelled ImageNet photos of the foolbox wheel as a folder a class, named as the labels of an ONNX model.

The last number in a file's name is its class. The photos are for measuring only: their licences are not stated, so nothing keeps them.
"""

import json
import pathlib
import re
import sys
import zipfile

import onnx


def main(wheel: str, model: str, target: str) -> None:
    metadata = {entry.key: entry.value for entry in onnx.load(model).metadata_props}
    labels = json.loads(metadata["tiny.labels"])
    archive = zipfile.ZipFile(wheel)
    names = sorted(name for name in archive.namelist() if re.fullmatch(r"foolbox/data/imagenet_\d+_\d+\.jpg", name))
    for name in names:
        label = labels[int(re.search(r"_(\d+)\.jpg", name).group(1))]
        folder = pathlib.Path(target) / label
        folder.mkdir(parents=True, exist_ok=True)
        (folder / pathlib.Path(name).name).write_bytes(archive.read(name))
    print(f"{len(names)} labelled photos")


main(*sys.argv[1:])
