import pytest

from experiments.search.budget import Budget
from mlplatform.kernel.errors import InvalidInput


@pytest.mark.parametrize(
    ("content", "field", "words"),
    [
        (4, "budget", "must be a mapping"),
        ({"hours": 4}, "budget", "unknown key hours"),
        ({"max_hours": "long"}, "budget.max_hours", "'long'"),
        ({"max_hours": 0}, "budget.max_hours", "above 0"),
        ({"max_hours": 10_000}, "budget.max_hours", "at most 8784"),
        ({"target": True}, "budget.target", "not a number"),
        ({"max_parallel": 65}, "budget.max_parallel", "from 1 to 64"),
    ],
)
def test_what_is_wrong_is_named_with_its_path(content: object, field: str, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Budget.from_json(content)
    assert caught.value.field == field
    assert words in caught.value.message


def test_nothing_said_limits_nothing() -> None:
    assert Budget.from_json(None) == Budget()
    assert Budget().to_json() == {}


@pytest.mark.parametrize("hours", [4, "0.5", 1 / 3, 1e-9, 0.1, 8784])
def test_budgets_survive_json(hours: object) -> None:
    budget = Budget.from_json({"max_parallel": 2, "max_hours": hours, "target": "0.99"})
    assert budget.max_seconds == pytest.approx(float(hours) * 3600, abs=0.001)  # type: ignore[arg-type]
    assert (budget.max_parallel, budget.target) == (2, 0.99)
    assert Budget.from_json(budget.to_json()) == budget
