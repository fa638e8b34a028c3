"""Which parameters matter for the objective of an experiment."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from threading import Lock
from typing import Any, TypedDict

from django.conf import settings

from experiments.models import Experiment
from experiments.search.axes import Axis, axes_of
from experiments.search.observations import LARGEST
from experiments.search.port import Observation
from experiments.search.spec import SearchSpec
from experiments.selectors.search import observations
from mlplatform.kernel.errors import Unavailable

MIN_SETS = 10
# Forests of more sets take longer than people wait: 500 took 12 s on two busy cores, 200 take 2 s.
FANOVA_SETS = 200
MAX_SETS = 2000
MAX_PARAMETERS = 30
LIMIT_S = 60.0
NAMES = {"fanova": "fANOVA", "ped_anova": "PED-ANOVA"}

_turn = Lock()


class ShareJson(TypedDict):
    """How much a parameter matters; the shares add up to 1."""

    name: str
    share: float


class ImportanceJson(TypedDict):
    """Without an evaluator there is a reason."""

    evaluator: str | None
    sets: int
    left_out: int
    importances: list[ShareJson]
    reason: str | None


@dataclass(frozen=True)
class Importance:
    """Shares by parameter, largest first, from so many sets; or the reason why there are none."""

    sets: int = 0
    left_out: int = 0
    evaluator: str = ""
    shares: tuple[tuple[str, float], ...] = ()
    reason: str = ""

    def to_json(self) -> ImportanceJson:
        """As pages and the REST API have it."""
        return {
            "evaluator": self.evaluator or None,
            "sets": self.sets,
            "left_out": self.left_out,
            "importances": [{"name": name, "share": share} for name, share in self.shares],
            "reason": self.reason or None,
        }


def parameter_importance(experiment: Experiment) -> Importance:
    """Of the completed sets that have a value. Two queries, and seconds unless it was asked before.

    fANOVA where scikit-learn is installed; PED-ANOVA elsewhere, for many sets, and where a set lacks a parameter, which
    fANOVA cannot know. Raises Unavailable if it takes too long, or one is being computed already.
    """
    if not experiment.objective_metric:
        return Importance(reason="There is no objective that a parameter could matter for.")
    seen = [each for each in observations(experiment) if each.state == "completed" and each.value is not None]
    if len(seen) < MIN_SETS:
        count = f"there {'is' if len(seen) == 1 else 'are'} {len(seen) or 'none'} so far"
        return Importance(
            len(seen), reason=f"It takes {MIN_SETS} completed sets with a value to say this; {count}."
        )
    used = seen[-MAX_SETS:]
    if len({each.value for each in used}) == 1:
        return Importance(len(used), reason="Every set has reached the same value, so no parameter mattered.")
    spec = SearchSpec.from_json(experiment.search, experiment.declared)
    found = axes_of(experiment.declared, spec.searched, [each.params for each in used])
    varied = [axis for axis in found.varied if _varies(axis, used)][:MAX_PARAMETERS]
    if not varied:
        return Importance(len(used), reason="No parameter has varied, so none can have mattered.")
    question = _question(experiment, varied, used)
    return Importance(
        sets=len(used),
        left_out=len(seen) - len(used),
        evaluator=NAMES[question["evaluator"]],
        shares=(shares := _asked(json.dumps(question))),
        reason="" if shares else "No parameter by itself explains the values.",
    )


def _varies(axis: Axis, seen: Sequence[Observation]) -> bool:
    """Whether it has done so yet: the search may only be about to."""
    return len({axis.code(each.params[axis.name]) for each in seen if axis.name in each.params}) > 1


def _question(experiment: Experiment, axes: Sequence[Axis], seen: Sequence[Observation]) -> dict[str, Any]:
    """What `experiments.search.importance` answers."""
    codes = {axis.name: [_code(axis, each) for each in seen] for axis in axes}
    is_whole = all(None not in column for column in codes.values())
    forest = is_whole and len(seen) <= FANOVA_SETS and find_spec("sklearn") is not None
    return {
        "evaluator": "fanova" if forest else "ped_anova",
        "direction": experiment.objective_direction,
        "values": [min(max(each.value or 0.0, -LARGEST), LARGEST) for each in seen],
        "columns": {axis.name: {"choices": len(axis.choices), "codes": codes[axis.name]} for axis in axes},
    }


def _code(axis: Axis, observation: Observation) -> float | None:
    value = observation.params.get(axis.name)
    if value is None:
        return None
    return axis.code(value) if axis.choices else axis.position(value)


@lru_cache(maxsize=32)
def _asked(question: str) -> tuple[tuple[str, float], ...]:
    """The answer, from a process that is ended when it takes too long; one at a time."""
    if not _turn.acquire(blocking=False):
        raise Unavailable(
            "An importance of parameters is being computed already; ask again in a few seconds."
        )
    try:
        done = subprocess.run(
            [sys.executable, "-m", "experiments.search.importance"],
            input=question,
            capture_output=True,
            text=True,
            cwd=settings.BASE_DIR,
            timeout=LIMIT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(
            f"The importance of the parameters was not known after {LIMIT_S:.0f} s: the machine is busy. "
            "Ask again later."
        ) from None
    finally:
        _turn.release()
    if done.returncode:
        raise RuntimeError(f"The importance of parameters failed: {done.stderr[-2000:]}")
    return tuple(json.loads(done.stdout).items())
