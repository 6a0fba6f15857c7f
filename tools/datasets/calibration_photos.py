"""calibration-photos: crops of a few free pictures, for the ranges of an ImageNet network's activations.

Every crop is a random part (40 to 100 % of the shorter side, sides up to 4:3 of each other), mirrored half of the time, made 288 pixels
on its shorter side and saved as JPEG. Deterministic for Pillow's version. Left out: labels, of which there are none.
"""

import hashlib
import io
import pathlib
import random
import sys
import zipfile

from PIL import Image

# File in skimage/data, crops taken. What scikit-image's documentation says of their rights:
PICTURES = [
    ("astronaut.png", 24),  # NASA, public domain
    ("brick.png", 8),  # CC0
    ("camera.png", 20),  # CC0, Lav Varshney
    ("chelsea.png", 28),  # CC0, Stefan van der Walt
    ("clock_motion.png", 12),  # public domain, Stefan van der Walt
    ("coffee.png", 28),  # CC0, Rachel Michetti
    ("grass.png", 12),  # CC0
    ("gravel.png", 12),  # CC0
    ("hubble_deep_field.jpg", 16),  # NASA, public domain
    ("retina.jpg", 12),  # CC0, Mikael Häggström
    ("rocket.jpg", 28),  # SpaceX, public domain
]
SHA256 = {
    "astronaut.png": "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
    "brick.png": "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
    "camera.png": "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
    "chelsea.png": "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
    "clock_motion.png": "f029226b28b642e80113d86622e9b215ee067a0966feaf5e60604a1e05733955",
    "coffee.png": "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
    "grass.png": "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
    "gravel.png": "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
    "hubble_deep_field.jpg": "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
    "retina.jpg": "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
    "rocket.jpg": "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
}
SIDE = 288


def crop(picture: Image.Image, draw: random.Random) -> Image.Image:
    shorter = min(picture.size)
    aspect = draw.uniform(3 / 4, 4 / 3)
    height = int(shorter * draw.uniform(0.4, 1.0))
    width = min(int(height * aspect), picture.width)
    left, top = draw.randrange(picture.width - width + 1), draw.randrange(picture.height - height + 1)
    part = picture.crop((left, top, left + width, top + height))
    if draw.random() < 0.5:
        part = part.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    scale = SIDE / min(part.size)
    return part.resize((max(SIDE, round(part.width * scale)), max(SIDE, round(part.height * scale))), Image.Resampling.BICUBIC)


def main(wheel: str, target: str) -> None:
    archive = zipfile.ZipFile(wheel)
    draw = random.Random(2019)
    folder = pathlib.Path(target)
    folder.mkdir()
    count = 0
    for name, crops in PICTURES:
        data = archive.read(f"skimage/data/{name}")
        found = hashlib.sha256(data).hexdigest()
        if found != SHA256[name]:
            sys.exit(f"calibration-photos: {name} in {wheel} is not the picture that this script was written for (SHA-256 {found})")
        picture = Image.open(io.BytesIO(data)).convert("RGB")
        for _ in range(crops):
            crop(picture, draw).save(folder / f"{count:03d}-{pathlib.Path(name).stem}.jpg", "JPEG", quality=92)
            count += 1
    print(f"{count} photos of {len(PICTURES)} pictures")


main(*sys.argv[1:])
