"""Do the backends answer?"""

from dataclasses import dataclass

from django.conf import settings
from django.core.cache import cache

from runners.port import JobUnclear, RunnerRefused, RunnerUnavailable
from runners.registry import runner_for

# Nobody has such a job.
NOBODY = "mlp-health"
KEPT_S = 10


@dataclass(frozen=True)
class Health:
    """Whether a backend answers us; what is wrong, if it does not."""

    backend: str
    is_well: bool
    words: str = ""


def backends_health() -> list[Health]:
    """Each backend, asked at most every ten seconds. Waits for one that does not answer."""
    return [_asked(name) for name in settings.BACKENDS]


def _asked(backend: str) -> Health:
    key = f"health of {backend}"
    words = cache.get(key)
    if words is None:
        words = _trouble(backend)
        cache.set(key, words, KEPT_S)
    return Health(backend, not words, words)


def _trouble(backend: str) -> str:
    try:
        runner_for(backend).poll(NOBODY)
    except (JobUnclear, RunnerUnavailable, RunnerRefused) as error:
        return error.message
    return ""
