"""A photo through Pillow and LiteRT: photo_to_label_peer.py MODEL|- PHOTO full|scaled THREADS [warm]

Prints the class. warm: for each line of standard input a line: milliseconds, those of processor time, class. `-`: everything but the network.
"""

import sys
import time

import numpy as np
from PIL import Image, ImageOps

model, path, decoding, threads = sys.argv[1:5]
interpreter = None
if model != "-":
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model, num_threads=int(threads))
    interpreter.allocate_tensors()
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = source["quantization"]
    # What each byte becomes: a look-up is the fastest way that NumPy has.
    table = np.clip(np.round((np.arange(256) / 127.5 - 1) / scale) + zero, -128, 127).astype(np.int8)


def classify():
    photo = Image.open(path)
    if decoding == "scaled":
        photo.draft("RGB", (448, 448))
    # convert() copies even where there is nothing to do.
    photo = ImageOps.exif_transpose(photo) if photo.getexif().get(0x0112, 1) != 1 else photo
    photo = photo if photo.mode == "RGB" else photo.convert("RGB")
    pixels = np.asarray(photo.resize((224, 224), Image.Resampling.BILINEAR))
    if interpreter is None:
        return int(pixels[0, 0, 0])
    interpreter.set_tensor(source["index"], table[pixels][None])
    interpreter.invoke()
    return int(interpreter.get_tensor(result["index"])[0].argmax())


if sys.argv[5:] == ["warm"]:
    for _ in sys.stdin:
        start, used = time.perf_counter(), time.process_time()
        best = classify()
        print(f"{(time.perf_counter() - start) * 1e3:.4f} {(time.process_time() - used) * 1e3:.4f} {best}", flush=True)
else:
    print(classify())
