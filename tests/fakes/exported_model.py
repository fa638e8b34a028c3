"""Archives with the layout of torch.export.save, made without torch: good for everything but running."""

import json
import zipfile
from pathlib import Path
from typing import Any

FLOAT32 = 7


def program(
    inputs: dict[str, tuple[int, ...]] | None = None,
    outputs: dict[str, tuple[int, ...]] | None = None,
    dtype: int = FLOAT32,
) -> dict[str, Any]:
    """The graph's JSON; -1 in a shape is a symbolic size."""
    inputs = inputs or {"x": (-1, 4)}
    outputs = outputs or {"y": (-1, 2)}
    sizes = {name: [_size(n) for n in shape] for name, shape in (inputs | outputs).items()}
    weight = {"parameter": {"arg": {"name": "p_weight"}, "parameter_name": "weight"}}
    return {
        "graph_module": {
            "graph": {"tensor_values": {n: {"dtype": dtype, "sizes": size} for n, size in sizes.items()}},
            "signature": {
                "input_specs": [
                    weight,
                    *({"user_input": {"arg": {"as_tensor": {"name": n}}}} for n in inputs),
                ],
                "output_specs": [{"user_output": {"arg": {"as_tensor": {"name": n}}}} for n in outputs],
            },
        },
        "torch_version": "2.13.0+cpu",
    }


def write(folder: Path, graph: Any = None) -> Path:
    """Write `model.pt2` into a checkpoint folder; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(folder / "model.pt2", "w") as archive:
        archive.writestr("model/models/model.json", json.dumps(program() if graph is None else graph))
        archive.writestr("model/data/weights/weight_0", b"\0" * 32)
    return folder


def _size(number: int) -> dict[str, Any]:
    return {"as_expr": {"expr_str": "s0", "hint": {"as_int": 2}}} if number < 0 else {"as_int": number}
