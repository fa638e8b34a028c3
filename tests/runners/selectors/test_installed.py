from typing import Any

from runners.models import Allocation
from runners.selectors.installed import installed

ENVIRONMENT = {"ray": "2.60.0", "torch": "2.13.0", "python": "3.11.2"}
TOLD = {"ray": "2.60.0", "torch": "2.13.0"}


def told(allocation: Allocation, environment: dict[str, Any], requirements: list[str] | None = None) -> None:
    allocation.pk = None
    allocation.environment, allocation.requirements = environment, requirements or []
    allocation.save(force_insert=True)


def test_what_workers_of_plain_code_told_last(allocation: Allocation) -> None:
    assert installed("local") == {}
    told(allocation, {"ray": "2.59.0"})
    assert installed("local") == {"ray": "2.59.0"}
    told(allocation, ENVIRONMENT)
    told(allocation, ENVIRONMENT | {"torch": "2.1.0"}, ["torch==2.1.0"])
    told(allocation, {})
    assert installed("local") == TOLD


def test_what_is_configured_goes_first(allocation: Allocation, settings: Any) -> None:
    told(allocation, ENVIRONMENT)
    settings.BACKENDS = {"local": settings.BACKENDS["local"] | {"packages": {"ray": "3.0.0"}}}
    assert installed("local") == {"ray": "3.0.0"}
