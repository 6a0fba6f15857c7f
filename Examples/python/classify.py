"""classify: pixels to labels, from Python, with nothing but ctypes. The photo is a PPM file; with Pillow at hand,
`Image.open(path).convert("RGB")` gives the same pixels: pass its tobytes() and size.

    TINYRT=/opt/tinyrt/lib/libtinyrt.so.0 python3 classify.py birds.tiny garden.ppm
"""

import ctypes
import os
import re
import sys


class Error(ctypes.Structure):
    _fields_ = [
        ("status", ctypes.c_int),
        ("reason", ctypes.c_char_p),
        ("offset", ctypes.c_int64),
        ("op", ctypes.c_int32),
        ("system_error", ctypes.c_int32),
    ]


class Image(ctypes.Structure):
    _fields_ = [
        ("format", ctypes.c_int),  # 0: RGB
        ("encoding", ctypes.c_int),
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("planes", ctypes.c_char_p * 2),
        ("row_bytes", ctypes.c_size_t * 2),
    ]


class Prediction(ctypes.Structure):
    _fields_ = [("index", ctypes.c_uint32), ("probability", ctypes.c_float)]


class Classifier:
    """A model and a session. Use one in each thread."""

    def __init__(self, library: str, model: str):
        self.library = ctypes.CDLL(library)
        self.library.tinyrt_label.restype = ctypes.c_void_p
        self.model = ctypes.c_void_p()
        self.session = ctypes.c_void_p()
        self._call("tinyrt_open_file", os.fsencode(model), ctypes.byref(self.model))
        self._call("tinyrt_session_open", self.model, None, None, ctypes.c_size_t(0), ctypes.byref(self.session))

    def close(self):
        self.library.tinyrt_session_close(self.session)
        self.library.tinyrt_close(self.model)
        self.session = self.model = None

    def classify(self, pixels: bytes, width: int, height: int, top: int = 3):
        """[(label, probability)], and whether the model rejects the photo. pixels: height × width × 3."""
        if len(pixels) != 3 * width * height:
            raise ValueError("pixels do not fit width and height")
        image = Image(width=width, height=height)
        image.planes[0] = pixels
        image.row_bytes[0] = 3 * width
        best = (Prediction * top)()
        found = ctypes.c_size_t()
        rejected = ctypes.c_bool()
        self._call(
            "tinyrt_classify", self.session, ctypes.byref(image), best, ctypes.c_size_t(top), ctypes.byref(found),
            ctypes.byref(rejected),
        )
        return [(self._label(p.index), p.probability) for p in best[: found.value]], rejected.value

    def _label(self, index: int) -> str:
        length = ctypes.c_size_t()
        text = self.library.tinyrt_label(self.model, ctypes.c_size_t(index), ctypes.byref(length))
        return ctypes.string_at(text, length.value).decode() if text else f"class {index}"

    def _call(self, name, *arguments):
        error = Error()
        if getattr(self.library, name)(*arguments, ctypes.byref(error)) != 0:
            raise RuntimeError(error.reason.decode())


def read_ppm(path: str):
    with open(path, "rb") as file:
        content = file.read()
    header = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", content)
    if header is None:
        raise ValueError(f"{path}: not a PPM file with one byte a sample")
    return content[header.end() :], int(header[1]), int(header[2])


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: classify.py MODEL.tiny PHOTO.ppm")
    classifier = Classifier(os.environ.get("TINYRT", "libtinyrt.so.0"), sys.argv[1])
    predictions, rejected = classifier.classify(*read_ppm(sys.argv[2]))
    if rejected:
        print("rejected")
    for label, probability in predictions:
        print(f"{100 * probability:8.2f} %  {label}")
    classifier.close()


if __name__ == "__main__":
    main()
