"""typefaces: which typeface are these words set in? A fine-grained classification task, rendered.

Twelve regular faces of four families (serif, sans, mono, hand), close cousins within each. Every image differs in words, size,
angle, colours, background texture, blur, noise and JPEG quality; the class shows only in the shapes of the letters. The words of
`val/` never occur in `train/`. Deterministic for a seed, Pillow and the font packages' versions (see samples/typefaces/README.md).
Left out: bold and italic faces, scripts other than Latin.
"""

import argparse
import io
import pathlib
import shutil
import zlib

import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

FONTS = {
    "serif-dejavu": "truetype/dejavu/DejaVuSerif.ttf",
    "serif-garamond": "opentype/ebgaramond/EBGaramond12-Regular.otf",
    "serif-liberation": "truetype/liberation/LiberationSerif-Regular.ttf",
    "serif-libertine": "opentype/linux-libertine/LinLibertine_R.otf",
    "sans-dejavu": "truetype/dejavu/DejaVuSans.ttf",
    "sans-lato": "truetype/lato/Lato-Regular.ttf",
    "sans-liberation": "truetype/liberation/LiberationSans-Regular.ttf",
    "sans-opensans": "truetype/open-sans/OpenSans-Regular.ttf",
    "mono-dejavu": "truetype/dejavu/DejaVuSansMono.ttf",
    "mono-inconsolata": "truetype/inconsolata/Inconsolata.otf",
    "hand-comicneue": "opentype/comic-neue/ComicNeue-Regular.otf",
    "hand-dancing": "opentype/dancingscript/DancingScript-Regular.otf",
}
FONT_FOLDER = pathlib.Path("/usr/share/fonts")

WORDS = """
acorn agate amber anchor apple arrow aspen badge baker banjo barge basil beacon berry birch blaze bloom board brass bread brick
bridge brush cabin cable camel candle canoe cargo cedar chalk charm cherry chess cider clay cloud clover coast cobalt comet copper
coral cotton cradle crane creek crown cypress daisy delta desert dome dragon drift dune eagle earth easel ebony echo elbow ember
engine fable falcon feather fern fiddle field finch flame flint flute foam forest fossil fox frost galaxy garden garnet gecko ginger
glacier globe goblet grain grape gravel guitar gull hammer harbor harp hazel hedge helmet heron hinge honey horizon hornet igloo
indigo iris iron island ivory jacket jaguar jasper jewel jigsaw juniper kayak kettle kiosk kite lagoon lantern larch lemon lichen
lilac lily linen lizard lotus lynx magnet mango maple marble meadow melon mirror mocha monkey morning moss mountain nectar needle
nickel noble north nougat oasis ocean olive onyx opal orbit orchid otter oxide paddle palace panda paper parrot pebble pepper pier
pillow pine planet plaza plum pocket polar pond poppy prism puzzle quartz quill quilt rabbit raven reed ribbon ridge river robin
rocket rose ruby saddle saffron sage salmon sandal satin saturn shadow shell silver slate spark spice spruce squash stone storm
sugar summit sunset swan table teapot temple thimble thorn thunder tiger timber topaz torch tower trail tulip tundra turtle umber
union urchin valley vanilla velvet vessel violet violin walnut water wheat whale willow window winter wizard wren yarrow yellow
yogurt zebra zenith zephyr zinc
""".split()


def texture(random: np.random.Generator, size: int, colour: np.ndarray) -> np.ndarray:
    """size×size×3 float: a colour with a gradient, soft blotches or stripes over it."""
    y, x = np.mgrid[0:size, 0:size] / size
    angle = random.uniform(0, 2 * np.pi)
    slope = (x * np.cos(angle) + y * np.sin(angle)) * random.uniform(-40, 40)
    kind = random.integers(3)
    if kind == 0:
        pattern = np.zeros((size, size))
    elif kind == 1:
        coarse = random.normal(0, 1, (random.integers(4, 12),) * 2).astype(np.float32)
        pattern = np.asarray(Image.fromarray(coarse).resize((size, size), Image.BICUBIC)) * random.uniform(4, 14)
    else:
        frequency = random.uniform(4, 30)
        stripes = x * np.cos(angle + 1) + y * np.sin(angle + 1)
        pattern = np.sin(stripes * frequency * 2 * np.pi) * random.uniform(3, 10)
    return colour + (slope + pattern)[..., None]


def render(random: np.random.Generator, font_path: pathlib.Path, words: list[str], size: int) -> Image.Image:
    paper, ink = random.uniform(170, 250, 3), random.uniform(0, 100, 3)  # dark on light, as in print
    lines = []
    for _ in range(int(random.integers(2, 4))):
        word = words[random.integers(len(words))]
        lines.append([word, word.capitalize(), word.upper()][random.choice(3, p=[0.5, 0.4, 0.1])])

    # Drawn at twice the size and turned, then made smaller: the letters' edges come out as a lens would leave them.
    scale = 2
    font = ImageFont.truetype(str(font_path), 100, layout_engine=ImageFont.Layout.BASIC)
    widest = max(font.getlength(line) for line in lines)
    wanted = size * scale * random.uniform(0.75, 1.0)
    points = int(np.clip(100 * wanted / widest, 36 * scale / 2, 56 * scale))
    font = ImageFont.truetype(str(font_path), points, layout_engine=ImageFont.Layout.BASIC)
    mask = Image.new("L", (size * scale, size * scale), 0)
    pen = ImageDraw.Draw(mask)
    step = points * random.uniform(1.0, 1.25)
    top = size * scale / 2 - step * len(lines) / 2 + random.uniform(-8, 8) * scale
    for number, line in enumerate(lines):
        left = size * scale / 2 - font.getlength(line) / 2 + random.uniform(-8, 8) * scale
        pen.text((left, top + number * step), line, fill=255, font=font)
    mask = mask.rotate(random.uniform(-8, 8), Image.BICUBIC, expand=False)
    mask = mask.resize((size, size), Image.LANCZOS)

    alpha = np.asarray(mask, np.float64)[..., None] / 255
    pixels = texture(random, size, paper) * (1 - alpha) + ink * alpha
    pixels += random.normal(0, random.uniform(1, 7), pixels.shape)
    image = Image.fromarray(np.clip(np.rint(pixels), 0, 255).astype(np.uint8))
    return image.filter(ImageFilter.GaussianBlur(random.uniform(0, 0.7)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", nargs="?", default="samples/typefaces", type=pathlib.Path)
    parser.add_argument("--train", type=int, default=40, help="images a class in train/ (40)")
    parser.add_argument("--val", type=int, default=15, help="images a class in val/ (15)")
    parser.add_argument("--size", type=int, default=160, help="side in pixels (160)")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    # Every fourth word, by a hash of the word alone, belongs to val.
    words = {"train": [], "val": []}
    for word in WORDS:
        words["val" if zlib.crc32(word.encode()) % 4 == 0 else "train"].append(word)

    for split, count in (("train", options.train), ("val", options.val)):
        folder = options.out / split
        if folder.exists():
            shutil.rmtree(folder)
        for number, (name, font) in enumerate(FONTS.items()):
            (folder / name).mkdir(parents=True)
            for index in range(count):
                random = np.random.default_rng([options.seed, split == "val", number, index])
                image = render(random, FONT_FOLDER / font, words[split], options.size)
                data = io.BytesIO()
                image.save(data, "JPEG", quality=int(random.integers(70, 92)))
                (folder / name / f"{index:03d}.jpg").write_bytes(data.getvalue())
    print(f"{options.out}: {len(FONTS)} classes, {options.train} training and {options.val} validation images each")


if __name__ == "__main__":
    main()
