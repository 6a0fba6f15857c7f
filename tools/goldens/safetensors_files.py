# A file for Tests/ModelGraphTests/SafetensorsTests, written by safetensors 0.8.0 (torch 2.13.0): every type that is read, odd shapes, metadata.
# Run: $(tools/goldens/setup) tools/goldens/safetensors_files.py
import pathlib

import torch
from safetensors.torch import save_file

folder = pathlib.Path(__file__).parents[2] / "Tests/ModelGraphTests/Goldens"
values = torch.arange(6, dtype=torch.float32).reshape(2, 3) / 8 - 0.5
save_file(
    {
        "features.0.0.weight": values,
        "half": values.to(torch.float16),
        "brain": values.to(torch.bfloat16),
        "num_batches_tracked": torch.tensor(123456, dtype=torch.int64),
        "empty": torch.zeros(0, 4),
        "ü/\"": torch.tensor([3.5]),
    },
    folder / "python.safetensors", metadata={"source": "golden", "note": "a/b \"c\" ü"})
