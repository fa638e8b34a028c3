from typing import Any

import pytest

from experiments.definition import Definition, check_room, run_steps
from experiments.manifest import Manifest
from experiments.search.spec import SearchSpec
from mlplatform.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("progress", "space", "steps"),
    [
        ("epochs", {}, 5),
        ("epochs", {"epochs": 7}, 7),
        ("epochs", {"epochs": [2, 9, 4]}, 9),
        ("epochs", {"epochs": {"min": 2, "max": 8}}, 8),
        ("12", {}, 12),
        ("", {}, None),
        ("needed", {"needed": 3}, 3),
        ("name", {}, None),
        ("name", {"name": ["cnn", "mlp"]}, None),
    ],
)
def test_how_long_a_run_is_at_most(progress: str, space: dict[str, Any], steps: int | None) -> None:
    declared = {
        "epochs": {"type": "int", "default": 5, "min": 1, "max": 99},
        "needed": {"type": "int"},
        "name": {"type": "str", "default": "cnn"},
    }
    manifest = Manifest.from_json({"entrypoint": "a:b", "progress": progress, "parameters": declared})
    space = {"needed": 1, **space}
    search = SearchSpec.from_json({"method": "grid", "space": space}, manifest.parameters)
    assert run_steps(manifest, search) == steps


def test_memory_that_the_backend_never_has_is_refused_where_it_is_counted(settings: Any) -> None:
    definition = Definition(name="large", entrypoint="train:train", workers=2, memory_per_worker=4)
    check_room(definition, "local")
    settings.BACKENDS = {"local": settings.BACKENDS["local"] | {"memory": 7}}
    with pytest.raises(InvalidInput, match="need 8 GiB of memory together") as caught:
        check_room(definition, "local")
    assert caught.value.field == "memory_per_worker"
