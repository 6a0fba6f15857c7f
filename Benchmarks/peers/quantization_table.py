"""Run by quantization: the table, from what quantization_run.py left in the networks' folders.

    quantization_table.py FOLDER/NETWORK...

SQNR is sum(float^2) / sum((float - int8)^2) over all logits of all evaluation photos, `float` being ONNX Runtime's; equal answers is the
share of photos with the same class. Of one quantizer's settings the one with the highest SQNR stands first; every one is listed.
"""

import json
import pathlib
import sys

import numpy as np

FAMILIES = {"ours": "ours", "onnxruntime": "ONNX Runtime", "nncf": "NNCF", "litert": "LiteRT"}
SETTINGS = {
    "ours": "default",
    "ours-adaptive": "`--rounding adaptive`",
    "ours-tune": "`--tune 120`",
    "onnxruntime-minmax": "min-max",
    "onnxruntime-minmax-raw": "min-max, without `quant_pre_process`",
    "onnxruntime-average": "min-max, moving average",
    "onnxruntime-percentile": "percentile",
    "onnxruntime-entropy": "entropy",
    "nncf": "default",
    "nncf-mixed": "mixed preset",
    "nncf-minmax": "mixed preset, min-max",
    "nncf-minmax-uncorrected": "mixed preset, min-max, no bias correction",
    "nncf-accurate": "mixed preset, min-max, accurate bias correction",
    "litert": "full int8",
}


def main(folders):
    print("| network | quantizer | SQNR | equal answers | top-1 | bytes | seconds (of CPU) | peak memory |")
    print("|---|---|---|---|---|---|---|---|")
    for folder in map(pathlib.Path, folders):
        expected = np.load(folder / "float-logits.npy").astype(np.float64)
        labels = np.load(folder / "labels.npy")
        known = labels >= 0
        top1 = lambda logits: f"{np.sum((logits.argmax(1) == labels)[known])} of {known.sum()}"
        print(f"| {folder.name} | float | | | {top1(expected)} | {(folder / 'float.onnx').stat().st_size:,} | | |")
        rows = []
        for name, setting in SETTINGS.items():
            if not (folder / f"{name}.json").exists():
                continue
            logits = np.load(folder / f"{name}-logits.npy").astype(np.float64)
            result = json.loads((folder / f"{name}.json").read_text())
            ratio = 10 * np.log10(np.sum(expected**2) / np.sum((expected - logits) ** 2))
            equal = int(np.sum(expected.argmax(1) == logits.argmax(1)))
            family = FAMILIES[name.split("-")[0]]
            rows.append((list(FAMILIES.values()).index(family), 0 if family == "ours" else -ratio,
                         f"| | {family}, {setting} | {ratio:.1f} dB | {equal} of {len(logits)} | {top1(logits)} | {result['bytes']:,} "
                         f"| {result['seconds']:.0f} ({result['cpu_seconds']:.0f}) | {result['peak_mib']:.0f} MiB |"))
        for row in sorted(rows, key=lambda row: row[:2]):
            print(row[2])


main(sys.argv[1:])
