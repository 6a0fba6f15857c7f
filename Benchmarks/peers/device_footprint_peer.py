"""One photo through a peer's Python package, one thread: device_footprint_peer.py litert|ncnn|none MODEL PHOTO [full|scaled]

`none` does everything but load and run the network: what Python, numpy and Pillow take. full: the whole photo is decoded, as scripts
usually do; scaled: libjpeg decodes at a quarter of the size (Pillow's draft), as tinyrt does.
"""

import sys

import numpy as np
from PIL import Image

runtime, model, path, decoding = sys.argv[1:]
photo = Image.open(path)
if decoding == "scaled":
    photo.draft("RGB", (448, 448))
pixels = np.asarray(photo.convert("RGB").resize((224, 224), Image.Resampling.BILINEAR))

if runtime == "litert":
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model, num_threads=1)
    interpreter.allocate_tensors()
    (source,), (result,) = interpreter.get_input_details(), interpreter.get_output_details()
    scale, zero = source["quantization"]
    x = np.clip(np.round((pixels / 127.5 - 1) / scale) + zero, -128, 127).astype(np.int8)
    interpreter.set_tensor(source["index"], x[None])
    interpreter.invoke()
    print(interpreter.get_tensor(result["index"])[0].argmax())
elif runtime == "ncnn":
    import ncnn

    net = ncnn.Net()
    net.opt.num_threads = 1
    if net.load_param(model) != 0 or net.load_model(model.replace(".param", ".bin")) != 0:
        sys.exit("ncnn refuses the model")
    x = ncnn.Mat.from_pixels(pixels, ncnn.Mat.PixelType.PIXEL_RGB, 224, 224)
    x.substract_mean_normalize([127.5] * 3, [1 / 127.5] * 3)
    extractor = net.create_extractor()
    extractor.input("data", x)
    status, y = extractor.extract("classifier")
    if status != 0:
        sys.exit("ncnn fails")
    print(np.array(y).argmax())
