"""The lock file is complete for every Python that the project runs on, not only for the one that made it."""

from importlib import metadata

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.stack import ROOT

LINES = (ROOT / "deploy" / "requirements.lock").read_text().splitlines()
LOCKED = [Requirement(line) for line in LINES if line and not line.startswith("#")]
EXTRAS = ("", "local", "dev")


def environment(python: str) -> dict[str, str]:
    return {
        "implementation_name": "cpython",
        "implementation_version": python,
        "os_name": "posix",
        "platform_machine": "x86_64",
        "platform_python_implementation": "CPython",
        "platform_system": "Linux",
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "sys_platform": "linux",
    }


def holds(requirement: Requirement, where: dict[str, str], extra: str = "") -> bool:
    return requirement.marker is None or requirement.marker.evaluate({**where, "extra": extra})


def needed(name: str, extra: str, where: dict[str, str]) -> list[Requirement]:
    """What an installed package requires there. What is not installed here is not known."""
    try:
        lines = metadata.requires(name) or []
    except metadata.PackageNotFoundError:
        return []
    return [found for found in map(Requirement, lines) if holds(found, where, extra)]


# The first is Debian 12's own.
@pytest.mark.parametrize("python", ["3.11.2", "3.11.3", "3.12.0", "3.13.0", "3.14.0"])
def test_everything_that_is_needed_is_locked(python: str) -> None:
    where = environment(python)
    locked = {canonicalize_name(pin.name): pin for pin in LOCKED if holds(pin, where)}
    seen: set[tuple[str, str]] = set()
    wanted = [("mlplatform", extra) for extra in EXTRAS]
    while wanted:
        name, extra = wanted.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        for requirement in needed(name, extra, where):
            other = canonicalize_name(requirement.name)
            assert other in locked, (
                f"{name} needs {requirement} on Python {python}, which the lock file lacks"
            )
            versions = str(locked[other].specifier).removeprefix("==")
            assert requirement.specifier.contains(versions, prereleases=True), f"{name} needs {requirement}"
            wanted += [(other, more) for more in {"", *requirement.extras}]
    assert len(seen) > 100
