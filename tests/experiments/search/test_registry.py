import os
import subprocess
import sys

import pytest

from experiments.search.pruner_spec import OPTIONS
from experiments.search.registry import PRUNERS, SEARCHERS, pruner_for, searcher_for
from experiments.search.spec import METHODS, SearchSpec


def test_every_method_has_its_line() -> None:
    assert tuple(SEARCHERS) == METHODS
    assert {*PRUNERS, "none"} == set(OPTIONS)


def test_a_list_proposes_nothing() -> None:
    assert searcher_for(SearchSpec(), {}, direction="maximize").propose(1, []) is None


def test_no_pruner_is_none() -> None:
    assert pruner_for(None, direction="maximize", max_steps=None) is None


@pytest.mark.parametrize("method", ["tpe", "gp"])
def test_looking_ahead_does_not_load_optuna(method: str) -> None:
    code = f"""
import sys
from experiments.search.preview import preview
from tests.experiments.search.spaces import DECLARED, spec_of
spec = spec_of({method!r}, pruner={{"method": "asha"}})
assert len(preview(spec, DECLARED, direction="maximize", max_steps=9).first) == 5
sys.exit("optuna" in sys.modules or "torch" in sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("method", ["random", "tpe", "gp", "cmaes"])
def test_another_process_proposes_the_same(method: str) -> None:
    code = f"""
from experiments.search.port import Observation
from experiments.search.registry import searcher_for
from tests.experiments.search.spaces import DECLARED, spec_of
searcher = searcher_for(spec_of({method!r}), DECLARED, direction="maximize")
rows = [Observation(n, searcher.propose(n, []), "completed", n * 0.37 % 1) for n in range(1, 19)]
print([searcher.propose(n, rows) for n in (19, 20, 21)])
"""
    said = [
        # Sets of texts have another order with another hash seed.
        subprocess.run(
            [sys.executable, "-c", code],
            check=True,
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    ]
    assert said[0] == said[1]
