"""What a torch.export archive says about itself: a zip with JSON in it, read without unpickling anything."""

import json
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

from experiments.tracking.port import ModelUnusable

# A graph of a large model is some megabytes of JSON; more than this is no model but an attack on our memory.
# What reading a damaged archive raises; an encrypted one is a RuntimeError.
DAMAGED = (zipfile.BadZipFile, zlib.error)
MAX_GRAPH_BYTES = 128 * 2**20
_GRAPH = re.compile(r"(^|/)models/[^/]+\.json$")
# torch._export.serde.schema.ScalarType -> NumPy name; bfloat16 and float8 have none.
DTYPES = {
    1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 7: "float32", 8: "float64",
    10: "complex64", 11: "complex128", 12: "bool", 28: "uint16", 34: "uint32", 35: "uint64",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tensor:
    """Name, type and shape of an input or output; -1 is a dimension of any size."""

    name: str
    dtype: str
    shape: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """Facts of an archive. Empty inputs or outputs: not plain tensors, so no signature can be given."""

    torch_version: str
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor, ...]


def read(file: BinaryIO, *, name: str) -> ExportedModel:
    """Read the facts. Raises ModelUnusable naming the file, if this is no archive of torch.export.save."""
    try:
        with zipfile.ZipFile(file) as archive:
            graphs = [entry for entry in archive.infolist() if _GRAPH.search(entry.filename)]
            if len(graphs) != 1 or graphs[0].file_size > MAX_GRAPH_BYTES:
                raise ModelUnusable(_advice(name), reason="not_an_export")
            program = json.loads(archive.read(graphs[0]))
        return _facts(program)
    except (*DAMAGED, ValueError, KeyError, TypeError, AttributeError, RecursionError, RuntimeError) as error:
        raise ModelUnusable(_advice(name), reason="not_an_export") from error


def _advice(name: str) -> str:
    return f"{name} is not a model that torch.export.save wrote; save the checkpoint's model with it"


def _facts(program: Mapping[str, Any]) -> ExportedModel:
    graph = program["graph_module"]["graph"]
    signature = program["graph_module"]["signature"]
    values = graph["tensor_values"]
    return ExportedModel(
        torch_version=str(program.get("torch_version", "")),
        inputs=_tensors(signature["input_specs"], "user_input", values),
        outputs=_tensors(signature["output_specs"], "user_output", values),
    )


def _tensors(specs: list[Mapping[str, Any]], kind: str, values: Mapping[str, Any]) -> tuple[Tensor, ...]:
    """Tensors among the specs, or nothing at all if one of this kind is not a plain tensor."""
    found = []
    for spec in specs:
        if kind not in spec:
            continue
        argument = spec[kind]["arg"].get("as_tensor")
        meta = values[argument["name"]] if argument else None
        if meta is None or meta["dtype"] not in DTYPES:
            return ()
        shape = tuple(int(size.get("as_int", -1)) for size in meta["sizes"])
        found.append(Tensor(argument["name"], DTYPES[meta["dtype"]], shape))
    return tuple(found)
