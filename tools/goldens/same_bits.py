"""Photos for tools/same-bits: Tests/SameBits/photos/. JPEG kinds at a size that fills the decoder's vectors and leaves odd ends.

Run with `$(tools/goldens/setup) tools/goldens/same_bits.py`. Made with Pillow 13.0.0 (libjpeg-turbo 3.2.0), numpy 2.4.6 from
samples/photos/chelsea.jpg (CC0) and seeded noise, the hardest input for an inverse DCT and for clamping. The small kinds of
Tests/ImageCodecTests/Goldens/decode.bin are used too; these add size.
"""

import pathlib

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parents[2]
OUT = ROOT / "Tests" / "SameBits" / "photos"

OUT.mkdir(parents=True, exist_ok=True)
photo = Image.open(ROOT / "samples" / "photos" / "chelsea.jpg").convert("RGB").resize((333, 221), Image.Resampling.BICUBIC)
noise = Image.fromarray(np.random.default_rng(4).integers(0, 256, (61, 157, 3), dtype=np.uint8))


def exif(orientation):
    data = Image.Exif()
    data[0x0112] = orientation
    return data


def save(name, image, **options):
    image.save(OUT / f"{name}.jpg", **{"quality": 80, "optimize": False, **options})


save("photo-420", photo, subsampling="4:2:0")
save("photo-422", photo, subsampling="4:2:2")
save("photo-444", photo, subsampling="4:4:4")
save("photo-progressive-420", photo, subsampling="4:2:0", progressive=True)
save("photo-restart-422-exif-6", photo, subsampling="4:2:2", restart_marker_rows=1, exif=exif(6))
save("photo-exif-7", photo, subsampling="4:2:0", exif=exif(7), quality=50)
save("photo-grey", photo.convert("L"))
save("photo-cmyk", photo.convert("CMYK"))
save("noise-420-q100", noise, subsampling="4:2:0", quality=100)
save("noise-444-q100", noise, subsampling="4:4:4", quality=100)
save("noise-422-q5", noise, subsampling="4:2:2", quality=5)
save("noise-progressive-q100", noise, subsampling="4:2:0", quality=100, progressive=True)
