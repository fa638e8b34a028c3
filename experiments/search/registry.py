"""From the names in experiment.yaml to searchers and pruners. A new one is a file and a line here."""

from collections.abc import Mapping
from typing import Any, cast

from experiments.search.loading import load
from experiments.search.parameters import Parameter
from experiments.search.port import Pruner, Searcher
from experiments.search.pruner_spec import PrunerSpec
from experiments.search.spec import SearchSpec

SEARCHERS = {
    "list": "experiments.search.listed:ListSearcher",
    "grid": "experiments.search.grid:GridSearcher",
    "random": "experiments.search.random:RandomSearcher",
    "tpe": "experiments.search.model_based:TpeSearcher",
    "gp": "experiments.search.model_based:GpSearcher",
    "cmaes": "experiments.search.cma_es:CmaEsSearcher",
}
# Those whose proposals depend on results, known without loading them.
ADAPTIVE = frozenset({"tpe", "gp", "cmaes"})
PRUNERS = {
    "median": "experiments.search.pruners:MedianPruner",
    "asha": "experiments.search.pruners:AshaPruner",
    "hyperband": "experiments.search.pruners:HyperbandPruner",
}


def is_adaptive(method: str) -> bool:
    """Whether the searcher of this name learns from results."""
    return method in ADAPTIVE


def proposes(search: Mapping[str, Any]) -> bool:
    """Whether a searcher makes sets, given the `search` of an experiment; otherwise only people list them."""
    return bool(search.get("method", "list") != "list")


def searcher_for(spec: SearchSpec, parameters: Mapping[str, Parameter], *, direction: str) -> Searcher:
    """The searcher of a checked spec; `direction` is maximize or minimize."""
    return cast(Searcher, load(SEARCHERS[spec.method])(spec, parameters, direction=direction))


def pruner_for(spec: PrunerSpec | None, *, direction: str, max_steps: int | None) -> Pruner | None:
    """The pruner of a checked spec, None for none. Raises InvalidInput if it needs `max_steps` and there are none."""
    if spec is None:
        return None
    return cast(Pruner, load(PRUNERS[spec.method])(spec, direction=direction, max_steps=max_steps))
