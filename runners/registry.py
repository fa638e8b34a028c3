"""From a backend's name in settings.BACKENDS to its adapter."""

from dataclasses import dataclass
from functools import cache
from typing import cast

from django.conf import settings
from django.utils.module_loading import import_string

from mlplatform.kernel.errors import NotFound
from runners.port import Runner


@dataclass(frozen=True)
class Backend:
    """A configured place to run jobs."""

    name: str
    cpus: float
    gpus: float
    # GiB; 0: not counted.
    memory: float = 0
    # Whether whatever runs there may be preempted.
    preemption: bool = False


def backend_get(name: str) -> Backend:
    """The backend. Raises NotFound naming those that exist."""
    row = settings.BACKENDS.get(name)
    if row is None:
        raise NotFound(f"There is no backend {name!r}; configured are {', '.join(settings.BACKENDS)}.")
    return Backend(
        name=name,
        cpus=row["cpus"],
        gpus=row["gpus"],
        memory=row.get("memory", 0),
        preemption=row.get("preemption", False),
    )


@cache
def runner_for(name: str) -> Runner:
    """The adapter of a backend, made once per process."""
    backend_get(name)
    row = settings.BACKENDS[name]
    adapter = import_string(settings.RUNNERS[row["runner"]])
    return cast(Runner, adapter(address=row["address"], token=row["token"]))
