import importlib.util
from typing import Any

import pytest

from experiments.search import spec as module
from experiments.search.conditions import declare_all
from experiments.search.pruner_spec import PrunerSpec
from experiments.search.space import ParamSet, complete
from experiments.search.spec import MAX_RUNS, SearchSpec
from mlplatform.kernel.errors import InvalidInput
from tests.experiments.search.spaces import DECLARED, SPACE, spec_of

REQUIRED = declare_all(
    {
        "optimizer": {"type": "categorical", "choices": ["adam", "sgd"], "default": "adam"},
        "depth": {"type": "int", "min": 1, "max": 9, "default": 2},
        "lr": {"type": "float"},
        "momentum": {"type": "float", "when": {"optimizer": "sgd"}},
        "nesterov": {"type": "bool", "when": {"momentum": 0.9}},
        "skip": {"type": "bool", "when": {"depth": [8, 9]}},
    }
)


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        ("random", "search", "must be a mapping"),
        ({"method": "best"}, "search.method", "'best'; choose one of list, grid"),
        ({"method": ["grid"]}, "search.method", "choose one of"),
        ({"methods": "grid"}, "search", "unknown key methods"),
        ({"space": {"lr": 0.1}}, "search.method", "is list, which has no space"),
        ({"runs": 3}, "search.runs", "people list the sets"),
        ({"method": "random", "space": {"lr": {}}}, "search.runs", "how many sets random may try"),
        ({"method": "random", "runs": 0, "space": {"lr": {}}}, "search.runs", "from 1 to 10000"),
        ({"method": "random", "runs": "few", "space": {"lr": {}}}, "search.runs", "'few'"),
        ({"method": "random", "runs": 1.5, "space": {"lr": {}}}, "search.runs", "is 1.5"),
        ({"method": "grid", "repeat": 21}, "search.repeat", "from 1 to 20"),
        ({"method": "random", "runs": 5000, "repeat": 5, "space": {"lr": {}}}, "search.repeat", "25000 runs"),
        ({"method": "grid", "seed": -1}, "search.seed", "is -1"),
        ({"method": "grid", "space": [1]}, "search.space", "must be a mapping"),
        ({"method": "grid", "space": {"rate": 1}}, "search.space.rate", "declared are: lr, width"),
        ({"method": "grid", "space": {1: 1}}, "search.space.1", "no declared parameter"),
        ({"method": "grid", "space": {"lr": {}}}, "search.space.lr", "add a step or list values"),
        (
            {"method": "grid", "space": {"dropout": {"step": 1e-6}}},
            "search.space.dropout",
            "has 900001 values",
        ),
        (
            {"method": "grid", "space": {"dropout": {"step": 0.001}, "width": {}}},
            "search.space",
            "at most 10000 sets",
        ),
        (
            {"method": "tpe", "runs": 3, "space": {"lr": 0.1, "width": [8]}},
            "search.space",
            "nothing to search",
        ),
        ({"method": "cmaes", "runs": 3, "space": {"momentum": {}, "augment": {}}}, "search.space", "CMA-ES"),
        ({"pruner": "asha"}, "search.pruner", "must be a mapping"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(content: object, field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        SearchSpec.from_json(content, DECLARED)
    assert caught.value.field == field
    assert words in caught.value.message
    assert caught.value.message.startswith(field)


@pytest.mark.parametrize("content", [None, {}, {"method": "list"}, {"pruner": {"method": "none"}}])
def test_nothing_said_means_that_people_list_the_sets(content: object) -> None:
    spec = SearchSpec.from_json(content, REQUIRED)
    assert spec == SearchSpec()
    assert spec.to_json() == {}


@pytest.mark.parametrize(
    "spec",
    [
        spec_of("random"),
        spec_of("tpe", repeat=3, seed=7, pruner={"method": "asha"}),
        spec_of("grid", {"width": {}, "optimizer": "sgd"}, None),
        spec_of("list", {}, None, repeat=2),
        SearchSpec(pruner=PrunerSpec("median")),
    ],
)
def test_specs_survive_json(spec: SearchSpec) -> None:
    assert SearchSpec.from_json(spec.to_json(), DECLARED) == spec


def test_the_space_is_in_the_order_of_the_declaration() -> None:
    shuffled = {name: SPACE[name] for name in sorted(SPACE)}
    assert list(spec_of("random", shuffled).space) == [name for name in DECLARED if name in SPACE]


def test_a_missing_package_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    there = importlib.util.find_spec
    monkeypatch.setattr(module, "find_spec", lambda name: None if name == "torch" else there(name))
    with pytest.raises(
        InvalidInput, match=r"needs torch on the portal; choose tpe, or .*pip install torch"
    ) as caught:
        spec_of("gp")
    assert caught.value.field == "search.method"
    assert spec_of("tpe").method == "tpe"


@pytest.mark.parametrize(
    ("space", "missing"),
    [
        ({}, "lr"),
        ({"lr": 0.1, "optimizer": {}}, "momentum"),
        ({"lr": 0.1, "optimizer": {}, "momentum": {"min": 0, "max": 1}}, "nesterov"),
        ({"lr": 0.1, "depth": {}}, "skip"),
        ({"lr": 0.1, "depth": 8}, "skip"),
        ({"lr": 0.1}, None),
        ({"lr": 0.1, "depth": {"max": 7}}, None),
        ({"lr": 0.1, "optimizer": "sgd", "momentum": 0.5}, None),
    ],
)
def test_a_parameter_without_a_default_must_be_in_the_space_if_it_can_apply(
    space: dict[str, Any], missing: str | None
) -> None:
    content = {"method": "random", "runs": 1, "space": {**space, **({"lr": [0.1, 0.2]} if space else {})}}
    if missing is None:
        SearchSpec.from_json(content, REQUIRED)
        return
    with pytest.raises(InvalidInput) as caught:
        SearchSpec.from_json(content, REQUIRED)
    assert caught.value.field == f"search.space.{missing}"


def test_conditions_make_a_grid_smaller() -> None:
    declared = declare_all(
        {
            "flag": {"type": "bool", "default": False},
            "a": {"type": "int", "min": 1, "max": 4000, "default": 1, "when": {"flag": True}},
            "b": {"type": "int", "min": 1, "max": 4000, "default": 1, "when": {"flag": False}},
        }
    )
    content = {"method": "grid", "repeat": 2, "space": {"flag": {}, "a": {}, "b": {}}}
    spec = SearchSpec.from_json(content, declared)
    assert len(spec.grid(declared)) == spec.size(declared) == 8000 < MAX_RUNS
    with pytest.raises(InvalidInput, match="8000 sets make 24000 runs"):
        SearchSpec.from_json({**content, "repeat": 3}, declared)


def test_sets_that_the_search_could_have_made() -> None:
    spec = spec_of("random", {"lr": {"min": 0.1}, "optimizer": {}})
    made = complete(DECLARED, {"lr": 0.5})
    assert spec.allows(DECLARED, made)
    changes: list[ParamSet] = [{"lr": 0.01}, {"width": 64}, {"momentum": 0.9}, {"optimizer": "sgd"}]
    for changed in changes:
        assert not spec.allows(DECLARED, made | changed)
    assert spec.allows(DECLARED, made | {"optimizer": "sgd", "momentum": 0.9})
    assert not spec.allows(DECLARED, {name: made[name] for name in made if name != "width"})


def test_what_is_optional_need_not_be_in_the_space() -> None:
    declared = declare_all(
        {"lr": {"type": "float", "min": 0.1, "max": 1}, "schedule": {"type": "auto", "optional": True}}
    )
    spec = SearchSpec.from_json({"method": "grid", "space": {"lr": [0.1, 1]}}, declared)
    assert spec.draw(declared, lambda domain: domain.values()[0]) == {"lr": 0.1}
    assert spec.grid(declared) == [{"lr": 0.1}, {"lr": 1.0}]
    assert spec.allows(declared, {"lr": 0.1})
    assert not spec.allows(declared, {"lr": 0.1, "schedule": "cosine"})
    assert not spec.allows(declared, {})
