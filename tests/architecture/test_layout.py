"""The top level is fixed; what code names by a string exists."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils.module_loading import import_string

import mlplatform.worker  # noqa: F401  (declares every actor)
from mlplatform import clock
from mlplatform.broker import broker

ROOT = Path(__file__).parents[2]
FOLDERS = {
    *(
        ".ci",
        "accounts",
        "deploy",
        "docs",
        "experiments",
        "mlplatform",
        "runners",
        "static",
        "templates",
        "tests",
    ),
}
FILES = {
    *(".editorconfig", ".gitignore", "CONTRIBUTING.md", "LICENSE", "Makefile", "README.md", "manage.py"),
    "pyproject.toml",
}
PACKAGES = ("mlplatform", "accounts", "runners", "experiments")


def versioned() -> list[str]:
    """What git knows or would take: nothing that is built or ignored."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_top_level_is_fixed() -> None:
    tops = {(Path(name).parts[0], len(Path(name).parts) > 1) for name in versioned()}
    assert {name for name, is_folder in tops if is_folder} <= FOLDERS
    assert {name for name, is_folder in tops if not is_folder} <= FILES


def sources() -> Iterator[str]:
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            yield path.read_text()


def test_every_message_has_an_actor() -> None:
    sent = {name for text in sources() for name in re.findall(r"""\benqueue\(\s*["'](\w+)["']""", text)}
    assert sent | set(clock.PERIODS) <= broker.get_declared_actors()


@pytest.mark.parametrize("path", [*settings.RUNNERS.values(), settings.TRACKING_STORE])
def test_adapters_named_in_settings_exist(path: str) -> None:
    assert callable(import_string(path))


@pytest.mark.django_db
def test_no_migration_is_missing() -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)


def test_the_lock_pins_every_requirement() -> None:
    lines = [
        line for line in (ROOT / "deploy" / "requirements.lock").read_text().splitlines() if line[:1] != "#"
    ]
    pin = r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+(; python_full_version < \"[0-9.]+\")?"
    assert [line for line in lines if not re.fullmatch(pin, line)] == []
    locked = {re.split("==", line)[0].lower().replace("_", "-") for line in lines}
    asked = re.findall(
        r'^    "([A-Za-z0-9-]+)(?:\[[a-z,-]+\])?[~=>]', (ROOT / "pyproject.toml").read_text(), re.MULTILINE
    )
    assert {name.lower() for name in asked} <= locked
