import pytest

from experiments.causes import LOST
from experiments.web.advice import ADVICE, UNKNOWN, advice_for

# What the harness says, and what the portal finds out by itself.
TOLD = ("user_error", "user_exit", "code_error", "out_of_memory")
FOUND = (
    *LOST,
    "bundle_broken",
    "objective_not_finite",
    "budget_time",
    "target_reached",
    "start_timeout",
    "environment_failed",
    "submit_failed",
)


@pytest.mark.parametrize("code", [*TOLD, *FOUND])
def test_every_cause_has_advice(code: str) -> None:
    advice = advice_for(code)
    assert advice is not UNKNOWN
    assert advice.remedy.endswith(".")


def test_no_advice_is_about_a_cause_that_does_not_exist() -> None:
    assert ADVICE.keys() == {*TOLD, *FOUND}
    assert advice_for("something new") is UNKNOWN
