# .npy files for Tests/ModelGraphTests, written by numpy 2.4.6: one a type, rank and header version that is read, some that are refused.
# Run: $(tools/goldens/setup) tools/goldens/npy.py
import pathlib

import numpy as np

folder = pathlib.Path(__file__).parents[2] / "Tests/ModelGraphTests/Goldens/npy"
folder.mkdir(exist_ok=True)
values = np.arange(24, dtype=np.float32).reshape(2, 3, 4) / 8 - 1
arrays = {
    "float32": values,
    "uint8": np.arange(200, 230, dtype=np.uint8).reshape(1, 5, 6),
    "row": values[0, 0],
    "scalar": np.float32(2.5),
    "empty": np.zeros((0, 3), np.float32),
    "refused-float64": values.astype(np.float64),
    "refused-big-endian": values.astype(">f4"),
    "refused-fortran": np.asfortranarray(values),
    "refused-structure": np.zeros(3, [("a", "<f4"), ("b", "<f4")]),
}
for name, array in arrays.items():
    np.save(folder / f"{name}.npy", array)
with open(folder / "version-2.npy", "wb") as file:
    np.lib.format.write_array(file, values, version=(2, 0))
