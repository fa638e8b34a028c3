import pytest

from experiments.search.pruner_spec import PrunerSpec
from mlplatform.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        ("asha", "search.pruner", "must be a mapping"),
        ({"method": "best"}, "search.pruner.method", "'best'; choose one of none, median, asha, hyperband"),
        ({"method": []}, "search.pruner.method", "choose one of"),
        ({"min_steps": 1}, "search.pruner.method", "is missing"),
        ({"method": "asha", "warmup_steps": 1}, "search.pruner", "unknown key warmup_steps"),
        ({"method": "median", "reduction": 2}, "search.pruner", "unknown key reduction"),
        ({"method": "none", "interval": 2}, "search.pruner", "unknown key interval"),
        ({"method": "asha", "reduction": 1}, "search.pruner.reduction", "from 2 to"),
        ({"method": "hyperband", "min_steps": 0}, "search.pruner.min_steps", "is 0"),
        ({"method": "median", "interval": "x"}, "search.pruner.interval", "'x'"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(content: object, field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        PrunerSpec.from_json(content)
    assert caught.value.field == field
    assert words in caught.value.message


def test_none_is_no_pruner() -> None:
    assert PrunerSpec.from_json(None) is None
    assert PrunerSpec.from_json({"method": "none"}) is None


def test_pruners_survive_json_with_their_defaults_written_out() -> None:
    asha = PrunerSpec.from_json({"method": "asha", "min_steps": "2"})
    assert asha == PrunerSpec("asha", min_steps=2)
    assert asha.to_json() == {"method": "asha", "min_steps": 2, "reduction": 3}
    for spec in (
        asha,
        PrunerSpec("median", startup_runs=2, warmup_steps=3, interval=4),
        PrunerSpec("hyperband"),
    ):
        assert PrunerSpec.from_json(spec.to_json()) == spec
