import io
import json
import zipfile
from typing import Any

import pytest

from experiments.tracking import pt2
from experiments.tracking.port import ModelUnusable
from tests.fakes import exported_model


def archive(**files: str) -> io.BytesIO:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return buffer


def read(program: Any) -> pt2.ExportedModel:
    return pt2.read(archive(**{"m/models/model.json": json.dumps(program)}), name="model.pt2")


def test_inputs_outputs_and_version() -> None:
    facts = read(exported_model.program({"x": (-1, 8, 8)}, {"y": (-1, 10)}))
    assert facts.torch_version == "2.13.0+cpu"
    assert facts.inputs == (pt2.Tensor("x", "float32", (-1, 8, 8)),)
    assert facts.outputs == (pt2.Tensor("y", "float32", (-1, 10)),)


def test_type_without_a_numpy_name_gives_no_signature() -> None:
    bfloat16 = 13
    assert read(exported_model.program(dtype=bfloat16)).inputs == ()


def test_input_that_is_no_tensor_gives_no_signature() -> None:
    program = exported_model.program()
    program["graph_module"]["signature"]["input_specs"].append({"user_input": {"arg": {"as_int": 3}}})
    assert read(program).inputs == ()


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"data.pkl": "torch.save"},
        {"m/models/a.json": "{}", "m/models/b.json": "{}"},
        {"m/models/model.json": "{}"},
        {"m/models/model.json": "[]"},
        {"m/models/model.json": "no json"},
    ],
)
def test_other_zips_are_refused(files: dict[str, str]) -> None:
    with pytest.raises(ModelUnusable, match=r"model\.pt2 is not a model that torch\.export\.save wrote"):
        pt2.read(archive(**files), name="model.pt2")


def test_graph_too_large_to_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pt2, "MAX_GRAPH_BYTES", 100)
    with pytest.raises(ModelUnusable):
        read(exported_model.program())
