import math

from experiments.retention import Kept, Policy, expendable


def policy(last: int = 1, best: int = 1, every: int = 0, *, maximize: bool = True) -> Policy:
    return Policy(last, best, every, maximize)


def curve(*values: float | None) -> list[Kept]:
    return [Kept(step, step, value) for step, value in enumerate(values, 1)]


def test_the_newest_and_the_best_stay() -> None:
    assert expendable(policy(), curve(0.1, 0.9, 0.5, 0.4)) == [1, 3]
    assert expendable(policy(maximize=False), curve(0.1, 0.9, 0.5, 0.4)) == [2, 3]
    assert expendable(policy(last=2, best=2), curve(0.1, 0.9, 0.5, 0.4, 0.3)) == [1]


def test_multiples_of_every_stay() -> None:
    assert expendable(policy(best=0, every=2), curve(*[None] * 5)) == [1, 3]


def test_the_newest_stays_whatever_the_policy_says() -> None:
    assert expendable(policy(last=0, best=0), curve(0.1, 0.2)) == [1]
    assert expendable(policy(), []) == []


def test_of_equals_the_newer_one_is_the_best_and_what_is_not_finite_never_is() -> None:
    assert expendable(policy(), curve(0.9, 0.9, 0.1)) == [1]
    assert expendable(policy(), curve(math.nan, math.inf, 0.5, 0.1)) == [1, 2]


def test_the_newest_is_one_that_a_run_can_resume_from() -> None:
    sound, spoiled = [Kept(1, 1, 0.2), Kept(2, 2, 0.1)], [Kept(3, 3, None, sound=False)]
    assert expendable(policy(), sound + spoiled) == [3]
    assert expendable(policy(best=0), sound + spoiled) == [1, 3]
    assert expendable(policy(), spoiled) == [], "better than nothing"


def test_pinned_ones_stay() -> None:
    checkpoints = [Kept(1, 1, 0.1, pinned=True), Kept(2, 2, 0.2), Kept(3, 3, 0.3)]
    assert expendable(policy(), checkpoints) == [2]
