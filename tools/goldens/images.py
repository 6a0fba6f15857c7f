"""Goldens of image decoding and preprocessing: Tests/ImageCodecTests/Goldens/.

Run with `$(tools/goldens/setup) tools/goldens/images.py`. Made with Pillow 13.0.0 (libjpeg-turbo 3.2.0), numpy 2.4.6,
Python 3.11.

resize.json      CRC-32 of Pillow's Image.resize of seeded noise (the hardest input for rounding), many sizes, both
                 filters. Pillow before 13 always resizes rows first, so that about every tenth of these cases (much
                 height lost) would differ there by a level
preprocess.json  CRC-32 of resize and centre crop, the rules written out here in Python (torchvision's Resize and
                 CenterCrop)
decode.json      one entry a file: name, width, height; decode.bin holds the file's bytes and the expected pixels
                 (height x width x 3)
scaled.json      n/8 decoding, computed in double from Pillow's full-size pixels: means of squares where n is 1, 2, 4,
                 8, otherwise the n-point inverse DCT of the low n x n coefficients; the file and the pixels stand in
                 scaled.bin

JPEG files are written by Pillow, some patched afterwards into kinds that it cannot write (the patch is said beside
each). Their expected pixels are Pillow's. PNG files come from the small writer below, because Pillow writes neither
16-bit colour nor interlaced files; their expected pixels are computed from the samples, and compared with Pillow's
reading where Pillow reads that kind to eight bits.
"""

import io
import json
import pathlib
import struct
import zlib

import numpy as np
from PIL import Image, ImageDraw, ImageOps, features

OUT = pathlib.Path(__file__).resolve().parents[2] / "Tests" / "ImageCodecTests" / "Goldens"
FILTERS = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


def noise(width, height, seed, channels=3, bits=8):
    """The top bits of SplitMix64's outputs number 0, 1, 2, ... for `seed`; the test makes the same."""
    index = np.arange(1, width * height * channels + 1, dtype=np.uint64)
    z = np.uint64(seed) + index * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    kind = np.uint8 if bits <= 8 else np.uint16
    return (z >> np.uint64(64 - bits)).astype(kind).reshape(height, width, channels)


def photo(width, height, seed=1):
    """Gradients, a little noise, and hard edges like those of print."""
    y, x = np.mgrid[0:height, 0:width]
    base = np.stack([255 * x / max(width - 1, 1), 255 * y / max(height - 1, 1), 127 + 100 * np.sin(x / 9 + y / 5)], axis=2)
    base += noise(width, height, seed).astype(float) / 16 - 8
    image = Image.fromarray(np.clip(base, 0, 255).astype(np.uint8))
    draw = ImageDraw.Draw(image)
    draw.line([(width // 8, height - 3), (width // 2, 2), (width - 4, height // 2)], fill=(250, 240, 20), width=2)
    draw.rectangle([width // 3, height // 3, width // 2, height // 2], fill=(10, 20, 60))
    draw.text((2, 2), "Tiny", fill=(255, 255, 255))
    return image


def save_json(name, records):
    lines = ",\n".join(" " + json.dumps(record) for record in records)
    (OUT / name).write_text(f"[\n{lines}\n]\n")


# ---------------------------------------------------------------- resize and preprocessing

def make_resize():
    sizes = [
        # source, target: identity, one axis only, by whole factors, by odd ones, up, down, both, one pixel, very thin
        ((1, 1), (1, 1)), ((1, 1), (7, 5)), ((2, 2), (1, 1)), ((5, 3), (5, 3)), ((64, 48), (64, 48)), ((64, 48), (32, 48)),
        ((64, 48), (64, 24)), ((64, 48), (32, 24)), ((64, 48), (128, 96)), ((61, 43), (224, 224)), ((97, 61), (31, 29)),
        ((640, 480), (298, 224)), ((640, 480), (224, 224)), ((480, 640), (160, 213)), ((500, 375), (341, 256)),
        ((1023, 767), (96, 96)), ((1600, 1200), (256, 192)), ((33, 700), (32, 32)), ((2, 900), (40, 6)), ((1, 2000), (1, 10)),
        ((1, 2000), (9, 9)), ((3000, 1), (10, 1)), ((3000, 2), (50, 60)), ((5, 1201), (3, 100)), ((1200, 7), (33, 33)),
        ((3, 3), (300, 200)), ((1, 40), (64, 64)), ((255, 257), (256, 256)), ((256, 256), (255, 257)), ((300, 200), (1, 1)),
    ]
    generator = np.random.default_rng(20)
    for _ in range(90):
        sizes.append((tuple(map(int, generator.integers(1, 400, 2))), tuple(map(int, generator.integers(1, 260, 2)))))
    records = []
    for seed, (source, target) in enumerate(sizes, 1):
        for name, resample in FILTERS.items():
            pixels = noise(*source, seed)
            if seed % 3 == 0:  # black and white only: the cubic's overshoot, clipped
                pixels = np.where(pixels >= 128, 255, 0).astype(np.uint8)
            result = Image.fromarray(pixels).resize(target, resample)
            records.append({"seed": seed, "binary": seed % 3 == 0, "source": source, "target": target, "filter": name,
                            "crc": zlib.crc32(result.tobytes())})
    save_json("resize.json", records)


def make_preprocess():
    records = []
    generator = np.random.default_rng(21)
    sources = [(640, 480), (480, 640), (333, 333), (300, 1), (1, 300), (50, 1000), (31, 500), (97, 61)]
    sources += [tuple(map(int, generator.integers(20, 700, 2))) for _ in range(16)]
    for seed, (width, height) in enumerate(sources, 100):
        for mode, resize, crop in [("shortSide", (40, 40), (32, 32)), ("shortSide", (33, 33), (32, 32)),
                                   ("shortSide", (37, 37), (30, 37)), ("shortSide", (32, 32), (32, 32)),
                                   ("squash", (48, 40), (48, 40)), ("squash", (48, 41), (33, 32))]:
            for name, resample in FILTERS.items():
                image = Image.fromarray(noise(width, height, seed))
                if mode == "shortSide":
                    short, long = min(width, height), max(width, height)
                    longer = int(resize[0] * long / short)
                    target = (resize[0], longer) if width <= height else (longer, resize[0])
                else:
                    target = resize
                image = image.resize(target, resample)
                left = int(round((target[0] - crop[0]) / 2.0))
                top = int(round((target[1] - crop[1]) / 2.0))
                image = image.crop((left, top, left + crop[0], top + crop[1]))
                records.append({"seed": seed, "source": [width, height], "mode": mode, "resize": resize, "crop": crop,
                                "filter": name, "crc": zlib.crc32(image.tobytes())})
    save_json("preprocess.json", records)


# ---------------------------------------------------------------- JPEG

def jpeg(image, **options):
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", **{"quality": 85, **options})
    return buffer.getvalue()


def segment(data, marker):
    """Start of the first segment with this marker byte."""
    at = 2
    while data[at + 1] != marker:
        at += 2 + int.from_bytes(data[at + 2:at + 4], "big")
    return at


def cmyk_photo(width, height):
    red, green, blue = photo(width, height).split()
    black = Image.fromarray(noise(width, height, 5, 1)[:, :, 0] // 3)
    return Image.merge("CMYK", [ImageOps.invert(band) for band in (red, green, blue)] + [black])


def with_adobe_transform(data, transform):
    at = segment(data, 0xEE)
    assert data[at + 4:at + 9] == b"Adobe"
    return data[:at + 15] + bytes([transform]) + data[at + 16:]


def without_segment(data, marker):
    at = segment(data, marker)
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2:at + 4], "big"):]


def with_luma_sampling(data, sampling):
    """Rewrites the first component's sampling factors: a square 4:2:2 file has as many blocks as a 4:4:0 one."""
    at = segment(data, 0xC0)
    return data[:at + 11] + bytes([sampling]) + data[at + 12:]


def exif(orientation, order="II", kind=3, before=0):
    """An EXIF block: IFD0 with `before` other entries and the orientation."""
    mark = "<" if order == "II" else ">"
    entries = [struct.pack(mark + "HHII", 0x0100 + index, 4, 1, 7) for index in range(before)]
    value = struct.pack(mark + ("HH" if kind == 3 else "I"), *([orientation, 0] if kind == 3 else [orientation]))
    entries.append(struct.pack(mark + "HHI", 0x0112, kind, 1) + value)
    head = order.encode() + struct.pack(mark + "HI", 42, 8)
    return b"Exif\0\0" + head + struct.pack(mark + "H", len(entries)) + b"".join(entries) + struct.pack(mark + "I", 0)


def pillow_pixels(data):
    """What Pillow makes of it: EXIF applied, RGB."""
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def jpeg_files():
    base = photo(61, 43)
    files = {
        "baseline-444.jpg": jpeg(base, subsampling=0),
        "baseline-422.jpg": jpeg(base, subsampling=1),
        "baseline-420.jpg": jpeg(base, subsampling=2),
        "baseline-440.jpg": with_luma_sampling(jpeg(photo(48, 48), subsampling=1), 0x12),
        "baseline-q20.jpg": jpeg(base, quality=20),
        "baseline-q100.jpg": jpeg(base, quality=100, subsampling=0),
        "restart.jpg": jpeg(base, restart_marker_blocks=3),
        "progressive-420.jpg": jpeg(base, progressive=True),
        "progressive-444.jpg": jpeg(base, progressive=True, subsampling=0, quality=95),
        "rgb.jpg": jpeg(base, keep_rgb=True),
        "grey.jpg": jpeg(base.convert("L")),
        "grey-progressive.jpg": jpeg(base.convert("L"), progressive=True),
        "cmyk.jpg": jpeg(cmyk_photo(61, 43)),
        "cmyk-progressive.jpg": jpeg(cmyk_photo(33, 17), progressive=True),
        "cmyk-no-adobe.jpg": without_segment(jpeg(cmyk_photo(33, 17)), 0xEE),
        "ycck.jpg": with_adobe_transform(jpeg(cmyk_photo(61, 43)), 2),  # Pillow writes CMYK only; the file is sound, its colours odd
        "one-pixel.jpg": jpeg(photo(61, 43).crop((9, 9, 10, 10))),
        "thin.jpg": jpeg(photo(1, 77)),
        "wide.jpg": jpeg(photo(203, 2)),
        "orientation-long.jpg": jpeg(photo(24, 17), exif=exif(6, "MM", kind=4)),
        "orientation-late.jpg": jpeg(photo(24, 17), exif=exif(8, "MM", before=5)),
        "orientation-progressive-cmyk.jpg": jpeg(cmyk_photo(33, 17), progressive=True, exif=exif(5)),
        "large.jpg": jpeg(photo(200, 150), quality=60),
    }
    for orientation in range(1, 9):
        files[f"orientation-{orientation}.jpg"] = jpeg(photo(37, 23), exif=exif(orientation, "II" if orientation % 2 else "MM"))
    return {name: (data, pillow_pixels(data)) for name, data in files.items()}


# ---------------------------------------------------------------- PNG

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def png_rows(samples, bits):
    """Filter type 0 and the packed samples of each row. samples: height x width x channels."""
    rows = b""
    for row in samples.reshape(samples.shape[0], -1):
        if bits == 16:
            packed = row.astype(">u2").tobytes()
        elif bits == 8:
            packed = row.astype(np.uint8).tobytes()
        else:
            lanes = np.zeros(-(-len(row) * bits // 8) * 8 // bits, dtype=np.uint8)
            lanes[:len(row)] = row
            shifts = np.arange(8 - bits, -1, -bits)
            packed = (lanes.reshape(-1, 8 // bits) << shifts).sum(axis=1).astype(np.uint8).tobytes()
        rows += b"\0" + packed
    return rows


def png(samples, bits, colour, interlaced=False, chunks=()):
    height, width = samples.shape[:2]

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    if interlaced:
        parts = [samples[y::step_y, x::step_x] for x, y, step_x, step_y in ADAM7]
        rows = b"".join(png_rows(part, bits) for part in parts if part.size)
    else:
        rows = png_rows(samples, bits)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunk(kind, body) for kind, body in chunks)
            + chunk(b"IDAT", zlib.compress(rows, 9)) + chunk(b"IEND", b""))


def to_bytes(samples, bits):
    samples = samples.astype(np.uint32)
    return samples >> 8 if bits == 16 else samples * 255 // ((1 << bits) - 1)


def over_white(rgb, alpha):
    """Nearest byte of (v a + 255 (255 - a)) / 255; no ties, 255 being odd."""
    rgb, alpha = rgb.astype(np.int64), alpha.astype(np.int64)
    return (2 * (rgb * alpha + 255 * (255 - alpha)) + 255) // 510


def png_files():
    files = {}
    width, height = 23, 19

    def add(name, samples, bits, colour, rgb, alpha=None, **options):
        expected = rgb if alpha is None else over_white(rgb, alpha)
        files[name] = (png(samples, bits, colour, **options), np.broadcast_to(expected, (height, width, 3)).astype(np.uint8))

    for interlaced in (False, True):
        tail = "-interlaced.png" if interlaced else ".png"
        for bits in (1, 2, 4, 8, 16):
            grey = noise(width, height, 30 + bits, 1, bits)
            add(f"png-grey{bits}{tail}", grey, bits, 0, to_bytes(grey, bits), interlaced=interlaced)
        for bits in (8, 16):
            colour = noise(width, height, 50 + bits, 3, bits)
            add(f"png-rgb{bits}{tail}", colour, bits, 2, to_bytes(colour, bits), interlaced=interlaced)
            both = noise(width, height, 60 + bits, 4, bits)
            whole = to_bytes(both, bits)
            add(f"png-rgba{bits}{tail}", both, bits, 6, whole[:, :, :3], whole[:, :, 3:], interlaced=interlaced)
            pair = noise(width, height, 70 + bits, 2, bits)
            whole = to_bytes(pair, bits)
            add(f"png-grey-alpha{bits}{tail}", pair, bits, 4, whole[:, :, :1], whole[:, :, 1:], interlaced=interlaced)
        for bits in (1, 2, 4, 8):
            palette = noise(1 << bits, 1, 80 + bits)
            index = noise(width, height, 90 + bits, 1, bits)
            chunks = [(b"PLTE", palette.tobytes())]
            add(f"png-palette{bits}{tail}", index, bits, 3, palette[0][index[:, :, 0]], interlaced=interlaced, chunks=chunks)
            alphas = noise(1 << bits, 1, 95 + bits, 1)[0, : (1 << bits) - 1, 0]  # one short: the last entry is opaque
            full = np.append(alphas, 255)
            add(f"png-palette{bits}-trns{tail}", index, bits, 3, palette[0][index[:, :, 0]], full[index],
                interlaced=interlaced, chunks=chunks + [(b"tRNS", alphas.tobytes())])
    grey = noise(width, height, 34, 1, 4)
    add("png-grey4-trns.png", grey, 4, 0, to_bytes(grey, 4), np.where(grey == 7, 0, 255), chunks=[(b"tRNS", struct.pack(">H", 7))])
    for bits in (8, 16):
        colour = noise(width, height, 50 + bits, 3, bits)
        key = colour[3, 4].copy()
        if bits == 16:  # a neighbour that differs in the low byte only is not transparent
            colour[3, 5] = key ^ 1
        clear = (colour == key).all(axis=2, keepdims=True)
        add(f"png-rgb{bits}-trns.png", colour, bits, 2, to_bytes(colour, bits), np.where(clear, 0, 255),
            chunks=[(b"tRNS", struct.pack(">HHH", *map(int, key)))])
    colour = noise(width, height, 58, 3)
    files["png-orientation-6.png"] = (png(colour, 8, 2, chunks=[(b"eXIf", exif(6, "MM")[6:])]), np.rot90(colour, -1))
    bomb = b"Comment\0\0" + zlib.compress(b"a" * 50_000_000, 9)
    files["png-text-bomb.png"] = (png(colour, 8, 2, chunks=[(b"zTXt", bomb)] * 3), colour)

    # Not compared: 16-bit grey (kept as it is by Pillow), tRNS of 4-bit grey and of 16 bits (compared after scaling), the bomb (refused).
    uncompared = {"png-grey4-trns.png", "png-rgb16-trns.png", "png-text-bomb.png"}
    for name, (data, expected) in files.items():
        if name in uncompared or "grey16" in name or "grey-alpha16" in name:
            continue
        with Image.open(io.BytesIO(data)) as image:
            rgba = ImageOps.exif_transpose(image).convert("RGBA")
        white = Image.new("RGB", rgba.size, "white")
        white.paste(rgba.convert("RGB"), mask=rgba.getchannel("A"))
        assert (np.asarray(white) == expected).all(), name
    return files


# ---------------------------------------------------------------- PPM

def ppm_files():
    files = {}
    width, height = 17, 11
    for maxval in (1, 2, 100, 255, 510, 1000, 4095, 65535):
        for magic, channels in (("P6", 3), ("P5", 1)):
            samples = noise(width, height, maxval, channels, 16).astype(np.int64) % (maxval + 1)
            body = samples.astype(">u2" if maxval > 255 else np.uint8).tobytes()
            head = f"{magic}\n# a comment, 1 2 3\n {width} # another\n\t{height}\n{maxval}\n" if maxval == 255 else (
                f"{magic} {width} {height} {maxval}\n")
            expected = np.vectorize(lambda value: round(value / maxval * 255))(samples)
            data = head.encode() + body
            files[f"{magic.lower()}-{maxval}.ppm"] = (data, np.broadcast_to(expected, (height, width, 3)).astype(np.uint8))
            if channels == 3:
                with Image.open(io.BytesIO(data)) as image:
                    assert (np.asarray(image.convert("RGB")) == expected).all(), (magic, maxval)
    return files


# ---------------------------------------------------------------- scaled decoding

def dct_matrix(count):
    """Orthonormal DCT-II, count x count."""
    k, n = np.mgrid[0:count, 0:count]
    matrix = np.sqrt(2 / count) * np.cos(np.pi * (2 * n + 1) * k / (2 * count))
    matrix[0] /= np.sqrt(2)
    return matrix


def make_scaled():
    """A grey file at quality 100 (all quantizers 1), so that the coefficients can be had back from the pixels."""
    width, height = 75, 54
    data = jpeg(photo(width, height).convert("L"), quality=100)
    pixels = np.asarray(Image.open(io.BytesIO(data))).astype(float) - 128
    padded = np.pad(pixels, ((0, -height % 8), (0, -width % 8)), mode="edge")
    records, body = [], data
    for n in range(1, 9):
        blocks = padded.reshape(padded.shape[0] // 8, 8, padded.shape[1] // 8, 8).transpose(0, 2, 1, 3)
        if n in (1, 2, 4, 8):  # libjpeg's 8-to-4 and 8-to-2 steps are means of neighbouring outputs, its 8-to-1 is the DC: the mean
            side = 8 // n
            small = blocks.reshape(*blocks.shape[:2], n, side, n, side).mean(axis=(3, 5))
        else:
            low = (dct_matrix(8) @ blocks @ dct_matrix(8).T)[:, :, :n, :n] * (n / 8)
            small = dct_matrix(n).T @ low @ dct_matrix(n)
        small = small.transpose(0, 2, 1, 3)
        small = small.reshape(small.shape[0] * n, small.shape[2] * n) + 128
        # Blocks that reach over the edge hold pixels we do not have: compare whole blocks only.
        whole_height, whole_width = height // 8 * n, width // 8 * n
        kept = np.clip(np.rint(small[:whole_height, :whole_width]), 0, 255).astype(np.uint8)
        records.append({"n": n, "width": -(-width * n // 8), "height": -(-height * n // 8), "wholeWidth": whole_width,
                        "wholeHeight": whole_height, "offset": len(body), "bytes": len(data)})
        body += kept.tobytes()
    (OUT / "scaled.bin").write_bytes(body)
    save_json("scaled.json", records)


def make_decode():
    records, body = [], b""
    for name, (data, expected) in {**jpeg_files(), **png_files(), **ppm_files()}.items():
        records.append({"name": name, "width": expected.shape[1], "height": expected.shape[0], "offset": len(body),
                        "bytes": len(data)})
        body += data + np.ascontiguousarray(expected).tobytes()
    (OUT / "decode.bin").write_bytes(body)
    save_json("decode.json", records)


if __name__ == "__main__":
    print("Pillow", Image.__version__, "libjpeg-turbo", features.version("libjpeg_turbo"), "numpy", np.__version__)
    OUT.mkdir(parents=True, exist_ok=True)
    make_resize()
    make_preprocess()
    make_decode()
    make_scaled()
