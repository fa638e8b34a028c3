from hypothesis import given
from hypothesis import strategies as st

from experiments.search.steps import Steps, divides


def test_steps_are_counted_in_decimals() -> None:
    assert [Steps(0, 0.1).at(index) for index in range(4)] == [0.0, 0.1, 0.2, 0.3]
    assert Steps(0.1, 0.2).at(3) == 0.7


@given(first=st.floats(-1e6, 1e6), step=st.floats(1e-6, 1e6), index=st.integers(-1000, 1000))
def test_a_point_leads_back_to_its_index(first: float, step: float, index: int) -> None:
    steps = Steps(first, step)
    assert steps.index(steps.at(index)) == index
    assert steps.holds(steps.at(index))
    assert steps.below(steps.at(index)) == index
    between = steps.at(index) + 0.4 * step
    assert not steps.holds(between)
    assert (steps.index(between), steps.below(between)) == (index, index)
    assert steps.below(steps.at(index) + 0.6 * step) == index


def test_multiples() -> None:
    assert divides(0.1, 0.3)
    assert divides(8, 16)
    assert not divides(8, 12)
    assert not divides(8, 0)
