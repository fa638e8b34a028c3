import json
from datetime import UTC, datetime
from pathlib import Path

import fsspec
import pytest
import yaml

from experiments.tracking import packaging
from experiments.tracking.port import ModelUnusable, TrackingUnavailable
from tests.fakes import exported_model

ORIGIN = packaging.Origin(
    model_id="m-1",
    run_id="r1",
    location="mlflow-artifacts:/1/models/m-1/artifacts",
    mlflow_version="3.17.2",
    python_version="3.11.2",
    created_at=datetime(2026, 1, 2, tzinfo=UTC),
    metadata={"step": 5},
)


def pack(folder: Path) -> dict[str, bytes]:
    return packaging.folder_files(packaging.open_checkpoint(str(folder)), ORIGIN)


def test_model_folder(tmp_path: Path) -> None:
    files = pack(exported_model.write(tmp_path))
    assert list(files) == ["requirements.txt", "conda.yaml", "python_env.yaml", "MLmodel"]
    described = yaml.safe_load(files["MLmodel"])
    assert set(described["flavors"]) == {"pytorch", "python_function"}
    assert described["flavors"]["pytorch"]["pytorch_version"] == "2.13.0+cpu"
    assert json.loads(described["signature"]["inputs"]) == [
        {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}
    ]
    assert described["metadata"] == {"mlplatform": {"step": 5}}
    assert files["requirements.txt"] == b"mlflow==3.17.2\ntorch==2.13.0"
    assert pack(tmp_path) == files


def test_two_inputs_have_names_and_no_generic_predict(tmp_path: Path) -> None:
    graph = exported_model.program({"a": (3,), "b": ()})
    described = yaml.safe_load(pack(exported_model.write(tmp_path, graph))["MLmodel"])
    assert set(described["flavors"]) == {"pytorch"}
    assert [column["name"] for column in json.loads(described["signature"]["inputs"])] == ["a", "b"]


def test_unknown_types_give_no_signature(tmp_path: Path) -> None:
    described = yaml.safe_load(
        pack(exported_model.write(tmp_path, exported_model.program(dtype=13)))["MLmodel"]
    )
    assert "signature" not in described


def test_input_example(tmp_path: Path) -> None:
    exported_model.write(tmp_path)
    (tmp_path / "input_example.json").write_text("[[1, 2, 3, 4]]")
    files = pack(tmp_path)
    assert json.loads(files["serving_input_example.json"]) == {"inputs": [[1, 2, 3, 4]]}
    assert yaml.safe_load(files["MLmodel"])["saved_input_example_info"]["type"] == "ndarray"


@pytest.mark.parametrize("text", ["{}", "no json", "[" + "1," * 2**20 + "1]"])
def test_bad_input_example_is_named(tmp_path: Path, text: str) -> None:
    exported_model.write(tmp_path)
    (tmp_path / "input_example.json").write_text(text)
    with pytest.raises(ModelUnusable, match=r"input_example\.json"):
        pack(tmp_path)


def test_other_file_systems(tmp_path: Path) -> None:
    local = exported_model.write(tmp_path) / "model.pt2"
    fsspec.filesystem("memory").pipe_file("/runs/1/model.pt2", local.read_bytes())
    assert packaging.has_model("memory://runs/1")
    assert not packaging.has_model("memory://runs/2")
    checkpoint = packaging.open_checkpoint("memory://runs/1")
    assert b"".join(checkpoint.chunks()) == local.read_bytes()
    assert checkpoint.size == local.stat().st_size


def test_storage_that_fails_is_an_outage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise OSError("connection reset")

    exported_model.write(tmp_path)
    monkeypatch.setattr("fsspec.implementations.local.LocalFileSystem.size", fail)
    with pytest.raises(TrackingUnavailable, match="connection reset"):
        packaging.open_checkpoint(str(tmp_path))
