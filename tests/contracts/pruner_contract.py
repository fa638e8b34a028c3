"""What every Pruner must do. A pruner's test class inherits it and says its `method`."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from experiments.search.port import Pruner
from experiments.search.pruner_spec import PrunerSpec
from experiments.search.registry import PRUNERS, pruner_for

FEW = settings(max_examples=60, suppress_health_check=[HealthCheck.differing_executors])
NUMBERS = st.integers(1, 400)
VALUES = st.dictionaries(NUMBERS, st.floats(-10, 10) | st.just(float("nan")), max_size=40)


class PrunerContract:
    """To provide: `method`. `options` may be overridden."""

    method: str
    options: dict[str, int] = {}
    max_steps: int | None = 81

    def pruner(self, direction: str = "maximize") -> Pruner:
        spec = PrunerSpec.from_json({"method": self.method, **self.options})
        pruner = pruner_for(spec, direction=direction, max_steps=self.max_steps)
        assert pruner is not None
        return pruner

    @FEW
    @given(number=NUMBERS, first=st.integers(1, 100), span=st.integers(0, 50), middle=st.integers(0, 50))
    def test_checks_do_not_depend_on_how_steps_come_in(
        self, number: int, first: int, span: int, middle: int
    ) -> None:
        pruner, last, cut = self.pruner(), first + span, first + min(middle, span)
        steps = pruner.checks(number, first, last)
        assert steps == sorted(set(steps))
        assert all(first <= step <= last for step in steps)
        assert steps == pruner.checks(number, first, cut) + pruner.checks(number, cut + 1, last)

    @FEW
    @given(number=NUMBERS)
    def test_the_last_step_is_not_judged(self, number: int) -> None:
        assert self.max_steps is not None
        assert self.pruner().checks(number, self.max_steps, self.max_steps + 1000) == []

    @FEW
    @given(number=NUMBERS, values=VALUES, own=st.floats(-10, 10))
    def test_a_judgement_is_a_function_of_the_values_and_minimizing_is_its_mirror(
        self, number: int, values: dict[int, float], own: float
    ) -> None:
        values = {**values, number: own}
        verdict = self.pruner().prunes(number, 9, own, values)
        assert verdict == self.pruner().prunes(number, 9, own, dict(reversed(values.items())))
        mirrored = {run: -value for run, value in values.items()}
        assert verdict == self.pruner("minimize").prunes(number, 9, -own, mirrored)

    @FEW
    @given(number=NUMBERS, values=VALUES)
    def test_the_best_run_goes_on_and_the_worst_of_many_does_not(
        self, number: int, values: dict[int, float]
    ) -> None:
        assert not self.pruner().prunes(number, 9, 11.0, {**values, number: 11.0})
        many = {run: float(run) for run in range(1, 401)} | {number: -1.0}
        assert self.pruner().prunes(number, 9, -1.0, many)
        nan = float("nan")
        assert self.pruner().prunes(number, 9, nan, many | {number: nan})

    @FEW
    @given(number=NUMBERS, values=VALUES, own=st.floats(-10, 10))
    def test_a_run_alone_goes_on_and_nan_of_others_is_the_worst(
        self, number: int, values: dict[int, float], own: float
    ) -> None:
        assert not self.pruner().prunes(number, 9, own, {number: own})
        broken = dict.fromkeys(values, float("nan"))
        assert not self.pruner().prunes(number, 9, own, {**broken, number: own})

    def test_fewer_runs_get_farther(self) -> None:
        rungs = self.pruner().rungs(100)
        assert [rung.step for rung in rungs] == sorted({rung.step for rung in rungs})
        assert [rung.runs for rung in rungs] == sorted((rung.runs for rung in rungs), reverse=True)
        assert all(1 <= rung.runs <= 100 for rung in rungs)
        assert all(rung.runs == 0 for rung in self.pruner().rungs(0))

    def test_it_is_in_the_table(self) -> None:
        assert self.method in PRUNERS
