"""Run by inference_run.py: one runtime with one network, in a process of its own.

    inference_peer.py onnxruntime|openvino|litert|executorch|python FOLDER THREADS

After its first run it writes a line, its name. For each line "SECONDS" of standard input it runs for that long and writes one line of
numbers: the nanoseconds of each run. For the line "check" it writes the logits of every calibration photo, a photo a line, then an empty line.

Timed is the network alone, as near to the runtime as its Python package lets one come: input in place, output left there. What Python's usual
call takes beside is measured by the line "call SECONDS". LiteRT takes int8, the others float32, and convert it inside.
"""

import os
import pathlib
import sys
import time

import numpy as np


class LiteRT:
    def __init__(self, folder, threads):
        import ai_edge_litert
        from ai_edge_litert.interpreter import Interpreter

        self.name = "LiteRT (XNNPACK)"
        self.interpreter = Interpreter(str(folder / "litert.tflite"), num_threads=threads)
        self.interpreter.allocate_tensors()
        (self.source,), (self.answer,) = self.interpreter.get_input_details(), self.interpreter.get_output_details()

    def feed(self, photo):
        scale, zero = self.source["quantization"]
        self.input = np.clip(np.rint(photo.transpose(0, 2, 3, 1) / scale) + zero, -128, 127).astype(np.int8)
        self.interpreter.set_tensor(self.source["index"], self.input)
        return self.interpreter.invoke

    def call(self):
        self.interpreter.set_tensor(self.source["index"], self.input)
        self.interpreter.invoke()
        scale, zero = self.answer["quantization"]
        return (self.interpreter.get_tensor(self.answer["index"])[0].astype(np.float32) - zero) * scale


class OnnxRuntime:
    def __init__(self, folder, threads):
        import onnxruntime

        self.name = "ONNX Runtime"
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(str(folder / "onnxruntime.onnx"), options, providers=["CPUExecutionProvider"])

    def feed(self, photo):
        self.input = {self.session.get_inputs()[0].name: photo}
        binding = self.session.io_binding()
        binding.bind_cpu_input(self.session.get_inputs()[0].name, photo)
        binding.bind_output(self.session.get_outputs()[0].name, "cpu")
        return lambda: self.session.run_with_iobinding(binding)

    def call(self):
        return self.session.run(None, self.input)[0][0]


class OpenVINO:
    def __init__(self, folder, threads):
        import openvino

        self.name = "OpenVINO"
        settings = {"INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY", "NUM_STREAMS": 1}
        self.request = openvino.Core().compile_model(str(folder / "openvino.xml"), "CPU", settings).create_infer_request()

    def feed(self, photo):
        self.input = {0: photo}
        self.call()
        # The class beneath the package's wrapper: no dictionaries of inputs and outputs to make.
        beneath = super(type(self.request), self.request)
        return lambda: beneath.infer({}, share_outputs=True, decode_strings=False)

    def call(self):
        return self.request.infer(self.input, share_inputs=True, share_outputs=True)[0][0]


class ExecuTorch:
    def __init__(self, folder, threads):
        # The library itself: portable_lib, which the package offers, imports its exporter too, three times as long.
        import torch
        from executorch.extension.pybindings import _portable_lib

        self.name, self.torch = "ExecuTorch (XNNPACK)", torch
        _portable_lib._unsafe_reset_threadpool(threads)
        self.module = _portable_lib._load_for_executorch(str(folder / "executorch.pte"))

    def feed(self, photo):
        self.input = (self.torch.from_numpy(photo),)
        return lambda: self.module.forward(self.input)

    def call(self):
        return self.module.forward(self.input)[0].numpy()[0]


class Python:
    """No runtime at all: what Python and NumPy take of a start."""

    name = "Python and NumPy alone"

    def __init__(self, folder, threads):
        pass

    def feed(self, photo):
        return lambda: None


RUNTIMES = {"python": Python, "litert": LiteRT, "onnxruntime": OnnxRuntime, "openvino": OpenVINO, "executorch": ExecuTorch}


def timed(action, seconds):
    times, clock = [], time.perf_counter_ns
    end = clock() + int(seconds * 1e9)
    while True:
        start = clock()
        action()
        stop = clock()
        times.append(stop - start)
        if stop >= end:
            return times


def main(name, folder, threads):
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print is no answer
    folder = pathlib.Path(folder)
    photos = np.load(folder / "calibration.npy", mmap_mode="r")
    runtime = RUNTIMES[name](folder, int(threads))
    run = runtime.feed(np.ascontiguousarray(photos[:1]))
    run()
    print(runtime.name, file=answers)
    for line in sys.stdin:
        match line.split():
            case ["check"]:
                for index in range(len(photos)):
                    runtime.feed(np.ascontiguousarray(photos[index : index + 1]))
                    print(*np.ravel(runtime.call()).tolist(), file=answers)
                print(file=answers)
            case ["call", seconds]:
                print(*timed(runtime.call, float(seconds)), file=answers)
            case [seconds]:
                print(*timed(run, float(seconds)), file=answers)


main(*sys.argv[1:])
