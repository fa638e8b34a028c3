"""A checkpoint folder as an MLflow model folder, made of data only: what `mlflow.pytorch.save_model(...,
serialization_format="pt2")` of MLflow 3.17 writes, without torch and without loading the model.

    MLmodel  requirements.txt  conda.yaml  python_env.yaml  data/model.pt2  [input_example.json ...]

The signature comes from the exported graph. `input_example.json` in the checkpoint (a nested list of numbers
for the one input) is taken along.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO, cast

import fsspec
import yaml
from fsspec.spec import AbstractFileSystem

from experiments.tracking import pt2
from experiments.tracking.port import ModelUnusable, TrackingUnavailable

MODEL_FILE = "model.pt2"
EXAMPLE_FILE = "input_example.json"
_EXAMPLE_LIMIT = 2**20
_CHUNK = 2**20


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint folder that holds a model, and what the model says about itself."""

    fs: AbstractFileSystem
    model_path: str
    size: int
    facts: pt2.ExportedModel
    example: bytes

    def chunks(self) -> Iterator[bytes]:
        """Content of the model file, a megabyte at a time."""
        with self.fs.open(self.model_path, "rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a packed model will be in MLflow, and what it came from."""

    model_id: str
    run_id: str
    location: str
    mlflow_version: str
    python_version: str
    created_at: datetime
    metadata: dict[str, Any]


def has_model(folder: str) -> bool:
    """Whether the checkpoint folder (path or fsspec URL) holds a model. One look at the storage.

    Raises TrackingUnavailable if the storage does not answer.
    """
    fs, root = fsspec.core.url_to_fs(folder)
    path = f"{root.rstrip('/')}/{MODEL_FILE}"
    try:
        return bool(fs.isfile(path))
    except OSError as error:
        raise TrackingUnavailable(f"the storage of {path} fails: {error}", reason="storage") from error


def open_checkpoint(folder: str) -> Checkpoint:
    """Look into a checkpoint folder.

    Raises ModelUnusable if no loadable model is in it, TrackingUnavailable if the storage does not answer.
    """
    fs, root = fsspec.core.url_to_fs(folder)
    path = f"{root.rstrip('/')}/{MODEL_FILE}"
    try:
        with fs.open(path, "rb") as file:
            facts = pt2.read(cast("BinaryIO", file), name=path)
        return Checkpoint(fs, path, int(fs.size(path)), facts, _example(fs, root, facts))
    except FileNotFoundError as error:
        raise ModelUnusable(f"{path} does not exist, so no model is kept", reason="no_model") from error
    except OSError as error:
        raise TrackingUnavailable(f"the storage of {path} fails: {error}", reason="storage") from error


def folder_files(checkpoint: Checkpoint, origin: Origin) -> dict[str, bytes]:
    """Return the small files of the model folder, by relative path; `data/model.pt2` goes beside them."""
    description = {
        "artifact_path": origin.location,
        "flavors": _flavors(checkpoint.facts, origin.python_version),
        "mlflow_version": origin.mlflow_version,
        "model_id": origin.model_id,
        "model_size_bytes": checkpoint.size,
        "model_uuid": origin.model_id,
        "run_id": origin.run_id,
        "metadata": {"mlplatform": origin.metadata},
        "utc_time_created": origin.created_at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f"),
    }
    if signature := _signature(checkpoint.facts):
        description["signature"] = signature
    files = _environment(checkpoint.facts.torch_version, origin)
    if checkpoint.example:
        description["saved_input_example_info"] = {
            "artifact_path": EXAMPLE_FILE,
            "serving_input_path": f"serving_{EXAMPLE_FILE}",
            "type": "ndarray",
        }
        files[EXAMPLE_FILE] = checkpoint.example
        files[f"serving_{EXAMPLE_FILE}"] = b'{"inputs": ' + checkpoint.example + b"}"
    # The file that makes the folder a model goes last.
    return {**files, "MLmodel": _yaml(description)}


def _environment(torch_version: str, origin: Origin) -> dict[str, bytes]:
    """What to install to load the model; PyPI has no local versions such as 2.13.0+cpu."""
    python = origin.python_version
    requirements = [f"mlflow=={origin.mlflow_version}", f"torch=={torch_version.split('+', maxsplit=1)[0]}"]
    conda = {
        "name": "mlflow-env",
        "channels": ["conda-forge"],
        "dependencies": [f"python={python}", "pip", {"pip": requirements}],
    }
    pip = {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]}
    return {
        "requirements.txt": "\n".join(requirements).encode(),
        "conda.yaml": _yaml(conda),
        "python_env.yaml": _yaml(pip),
    }


def _flavors(facts: pt2.ExportedModel, python_version: str) -> dict[str, Any]:
    flavors: dict[str, Any] = {
        "pytorch": {"code": None, "model_data": "data", "pytorch_version": facts.torch_version},
    }
    # MLflow's generic predict() of a pt2 model takes and gives exactly one tensor.
    if len(facts.inputs) == len(facts.outputs) == 1:
        flavors["python_function"] = {
            "config": {"device": None},
            "data": "data",
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "loader_module": "mlflow.pytorch",
            "pickle_module_name": "mlflow.pytorch.pickle_module",
            "python_version": python_version,
        }
    return flavors


def _signature(facts: pt2.ExportedModel) -> dict[str, Any] | None:
    if not facts.inputs or not facts.outputs:
        return None
    return {"inputs": _schema(facts.inputs), "outputs": _schema(facts.outputs), "params": None}


def _schema(tensors: tuple[pt2.Tensor, ...]) -> str:
    """MLflow's schema as JSON; one tensor goes without a name, so that predict() takes a bare array."""
    columns = []
    for tensor in tensors:
        column = {"type": "tensor", "tensor-spec": {"dtype": tensor.dtype, "shape": list(tensor.shape)}}
        columns.append(column if len(tensors) == 1 else {"name": tensor.name, **column})
    return json.dumps(columns)


def _example(fs: AbstractFileSystem, root: str, facts: pt2.ExportedModel) -> bytes:
    path = f"{root.rstrip('/')}/{EXAMPLE_FILE}"
    if len(facts.inputs) != 1 or not fs.isfile(path):
        return b""
    if fs.size(path) > _EXAMPLE_LIMIT:
        raise ModelUnusable(f"{path} has over {_EXAMPLE_LIMIT} bytes; keep a few rows", reason="example")
    try:
        example = json.loads(fs.cat_file(path))
    except ValueError as error:
        raise ModelUnusable(f"{path} is not JSON: {error}", reason="example") from error
    if not isinstance(example, list):
        raise ModelUnusable(f"{path} must be a nested list of numbers", reason="example")
    return json.dumps(example).encode()


def _yaml(content: dict[str, Any]) -> bytes:
    return yaml.safe_dump(content, default_flow_style=False).encode()
