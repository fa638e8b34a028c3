"""TPE and Gaussian processes, by Optuna. Besides the program `importance` the only module that imports it.

`model_based` loads it on first use. Optuna keeps a study; we rebuild one from the rows for each proposal, and seed its
sampler from (seed, number). That takes 0.3 s for a thousand rows of ten parameters, and a crash, a restart or a second
process changes nothing.
"""

import warnings
from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.exceptions import ExperimentalWarning
from optuna.samplers import BaseSampler, GPSampler, TPESampler
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, Trial, TrialState, create_trial

from experiments.search.domains import Domain
from experiments.search.parameters import Parameter
from experiments.search.port import Observation
from experiments.search.random import uniform
from experiments.search.scalars import Value
from experiments.search.space import ParamSet
from experiments.search.spec import SearchSpec

# For the process, not around each call: `warnings.catch_warnings` is not safe between threads. What Optuna calls
# experimental is pinned by our lock file and covered by tests; what it logs at INFO is each study that we rebuild.
warnings.filterwarnings("ignore", category=ExperimentalWarning)
optuna.logging.set_verbosity(optuna.logging.ERROR)


class OptunaModel:
    """Proposes from sets with values. A subclass says which sampler, and how it takes a pruned set."""

    pruned = TrialState.COMPLETE

    def __init__(self, spec: SearchSpec, parameters: Mapping[str, Parameter], *, direction: str) -> None:
        self._spec = spec
        self._parameters = parameters
        self._direction = direction
        self._searched = spec.searched
        self._distributions = {name: _distribution(each) for name, each in self._searched.items()}

    def propose(self, number: int, known: Sequence[Observation]) -> ParamSet:
        """The number-th set; `known` as `observations.usable` gives it."""
        seed = int(uniform(self._spec.seed, number, "") * 2**32)
        study = optuna.create_study(
            sampler=self.sampler(seed), direction=StudyDirection[self._direction.upper()]
        )
        study.add_trials([self._trial(observation) for observation in known])
        trial = study.ask()
        return self._spec.draw(self._parameters, lambda domain: self._choose(trial, domain))

    def sampler(self, seed: int) -> BaseSampler:
        """A new sampler; the first sets are not its business."""
        raise NotImplementedError

    def _trial(self, observation: Observation) -> FrozenTrial:
        states = {"completed": TrialState.COMPLETE, "pruned": self.pruned, "open": TrialState.RUNNING}
        state = states[observation.state]
        searched = {name: each for name, each in self._searched.items() if name in observation.params}
        return create_trial(
            state=state,
            params={name: _encoded(each, observation.params[name]) for name, each in searched.items()},
            distributions={name: self._distributions[name] for name in searched},
            value=observation.value if state is TrialState.COMPLETE else None,
            intermediate_values={1: observation.value}
            if state is TrialState.PRUNED and observation.value is not None
            else None,
        )

    def _choose(self, trial: Trial, domain: Domain) -> Value:
        if domain.name not in self._searched:
            return domain.at(0)
        match self._distributions[domain.name]:
            case CategoricalDistribution(choices=choices):
                return domain.choices[int(trial.suggest_categorical(domain.name, choices) or 0)]
            case IntDistribution() as found:
                whole = trial.suggest_int(domain.name, found.low, found.high, log=found.log)
                return whole if domain.log else domain.value(whole)
            case FloatDistribution() as found:
                number = trial.suggest_float(domain.name, found.low, found.high, log=found.log)
                return min(max(number, domain.min), domain.max)
        raise AssertionError(domain)


class TpeModel(OptunaModel):
    """Tree-structured Parzen estimator: parameters together, open sets counted as bad so that none is tried twice.

    A pruned set stays pruned: it ranks after every completed one, as its value is of an early step.
    """

    pruned = TrialState.PRUNED

    def sampler(self, seed: int) -> BaseSampler:
        """See OptunaModel."""
        return TPESampler(
            seed=seed,
            n_startup_trials=0,
            multivariate=True,
            # Models each set of parameters that occur together, which is what conditions make.
            group=True,
            constant_liar=True,
        )


class GpModel(OptunaModel):
    """Gaussian process: the fewest sets, for some seconds each. Draws what has a condition at random.

    Optuna's model leaves pruned sets out, and with a pruner most sets are pruned; so they count with their last value.
    """

    def sampler(self, seed: int) -> BaseSampler:
        """See OptunaModel."""
        return GPSampler(seed=seed, n_startup_trials=0, warn_independent_sampling=False)


def _distribution(domain: Domain) -> BaseDistribution:
    """Choices and steps by index: Optuna compares 1 and true as equal, and a step of 0.1 inexactly."""
    if not domain.is_range:
        return CategoricalDistribution(range(len(domain.choices)))
    if domain.steps is not None and domain.count is not None:
        return IntDistribution(0, domain.count - 1)
    if domain.type == "int":
        return IntDistribution(int(domain.min), int(domain.max), log=True)
    return FloatDistribution(domain.min, domain.max, log=domain.log)


def _encoded(domain: Domain, value: Value) -> float:
    if not domain.is_range:
        return domain.choices.index(value)
    assert isinstance(value, int | float)
    return value if domain.steps is None else domain.steps.index(value)
