"""How much each parameter matters for the objective, by Optuna's evaluators; a program of its own.

It reads a question as JSON from its input and writes the answer to its output. Optuna and scikit-learn take seconds to
import and much memory, and one process can be given a time limit that holds.
"""

import json
import math
import sys
import warnings
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.importance import (
    BaseImportanceEvaluator,
    FanovaImportanceEvaluator,
    PedAnovaImportanceEvaluator,
    get_param_importances,
)
from optuna.trial import FrozenTrial, create_trial

# PED-ANOVA compares the best sets with all; its authors want five of them at least, and mean a tenth.
TOP_SETS = 5
TOP_SHARE = 0.1
MOST_SHARE = 0.5


def importances(question: dict[str, Any]) -> dict[str, float]:
    """Shares that add up to 1, largest first; empty if the evaluator finds that nothing matters.

    The question: `evaluator` (fanova or ped_anova), `direction`, `values` of the objective, and `columns` by name: how
    many `choices` there are, 0 for a range, and the `codes`, indexes of choices or positions from 0 to 1, null if a set
    does not have the parameter.
    """
    columns = question["columns"]
    distributions = {name: _distribution(column["choices"]) for name, column in columns.items()}
    study = optuna.create_study(direction=question["direction"])
    study.add_trials(
        [
            _trial(value, {name: column["codes"][index] for name, column in columns.items()}, distributions)
            for index, value in enumerate(question["values"])
        ]
    )
    evaluator = _evaluator(question["evaluator"], len(question["values"]))
    found = get_param_importances(study, evaluator=evaluator, params=list(columns), normalize=False)
    total = sum(found.values())
    if not math.isfinite(total) or total <= 0:
        return {}
    return {name: float(share / total) for name, share in found.items()}


def _evaluator(name: str, sets: int) -> BaseImportanceEvaluator:
    if name == "fanova":
        return FanovaImportanceEvaluator(seed=0)
    return PedAnovaImportanceEvaluator(target_quantile=min(MOST_SHARE, max(TOP_SHARE, TOP_SETS / sets)))


def _distribution(choices: int) -> BaseDistribution:
    return CategoricalDistribution(range(choices)) if choices else FloatDistribution(0, 1)


def _trial(value: float, codes: dict[str, Any], distributions: dict[str, BaseDistribution]) -> FrozenTrial:
    given = {name: code for name, code in codes.items() if code is not None}
    return create_trial(
        params=given, distributions={name: distributions[name] for name in given}, value=value
    )


def main() -> None:
    """See the module."""
    warnings.simplefilter("ignore")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    json.dump(importances(json.load(sys.stdin)), sys.stdout)


if __name__ == "__main__":
    main()
