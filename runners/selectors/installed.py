"""What a backend has installed, before a job adds anything."""

from functools import cache
from importlib.metadata import distributions

from django.conf import settings
from django.db.models import QuerySet

from runners.models import Allocation

NAMES = ("ray", "torch")


def installed(backend: str) -> dict[str, str]:
    """Versions of Ray and PyTorch: as configured, else as workers told last; without those that nobody has told."""
    configured: dict[str, str] = settings.BACKENDS[backend].get("packages", {})
    if configured:
        return configured
    told = _told(backend).values(*(f"environment__{name}" for name in NAMES)).first() or {}
    return {name: version for name in NAMES if (version := told.get(f"environment__{name}"))}


def package_names(backend: str) -> frozenset[str]:
    """Names of packages: as workers told last, else as in the portal's own environment, and what every cluster has."""
    lines = _told(backend).values_list("environment__packages", flat=True).first() or []
    names = {str(line).partition("==")[0] for line in lines} or _own()
    return frozenset({*names, *NAMES, "numpy"})


def _told(backend: str) -> "QuerySet[Allocation]":
    # Workers of code with requirements tell what Ray has installed for them.
    plain = Allocation.objects.filter(backend=backend, requirements=[]).exclude(environment={})
    return plain.order_by("-created_at")


@cache
def _own() -> frozenset[str]:
    return frozenset(str(one.name) for one in distributions())
