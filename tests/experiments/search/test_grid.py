from itertools import count, product, takewhile
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from experiments.search.conditions import declare_all
from experiments.search.registry import searcher_for
from experiments.search.spec import SearchSpec
from tests.contracts.searcher_contract import SearcherContract
from tests.experiments.search.spaces import DECLARED, SPACE

FINITE = {**SPACE, "lr": [0.1, 0.05], "momentum": [0.5, 0.9], "layers": [1, 2], "read": [1, 2]}


class TestGridSearcher(SearcherContract):
    method = "grid"
    space = FINITE
    runs = None


def everything(space: dict[str, Any]) -> list[dict[str, Any]]:
    spec = SearchSpec.from_json({"method": "grid", "space": space}, DECLARED)
    searcher = searcher_for(spec, DECLARED, direction="maximize")
    proposals = (searcher.propose(number, []) for number in count(1))
    return [params for params in takewhile(lambda params: params is not None, proposals) if params]


@given(
    widths=st.lists(st.sampled_from([8, 16, 24, 32]), min_size=1, unique=True),
    low=st.integers(1, 4),
    extra=st.integers(1, 4),
    flags=st.lists(st.booleans(), min_size=1, unique=True),
)
def test_every_combination_exactly_once_in_order(
    widths: list[int], low: int, extra: int, flags: list[bool]
) -> None:
    sets = everything({"width": widths, "layers": {"min": low, "max": low + extra}, "augment": flags})
    chosen = [(each["width"], each["layers"], each["augment"]) for each in sets]
    assert chosen == list(product(widths, range(low, low + extra + 1), flags))


def test_what_does_not_apply_makes_no_set_twice() -> None:
    sets = everything({"optimizer": {}, "momentum": [0.5, 0.9]})
    assert [(each["optimizer"], each.get("momentum")) for each in sets] == [
        ("adam", None),
        ("sgd", 0.5),
        ("sgd", 0.9),
    ]


def test_an_empty_space_is_the_defaults_once() -> None:
    assert everything({}) == [{name: p.default for name, p in DECLARED.items() if name != "momentum"}]


def test_what_can_never_apply_needs_no_value() -> None:
    declared = declare_all(
        {
            "flag": {"type": "bool", "default": False},
            "a": {"type": "int", "when": {"flag": True}},
            "b": {"type": "int", "default": 1, "when": {"a": 1}},
        }
    )
    spec = SearchSpec.from_json({"method": "grid"}, declared)
    assert searcher_for(spec, declared, direction="maximize").propose(1, []) == {"flag": False}
