"""A user of the embedded stack's REST API."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlplatform.cli.client import PortalClient
from mlplatform.kernel.archive import pack
from tests.stack import EmbeddedStack

LIMIT_S = 240.0
FINAL = {"completed", "failed", "canceled"}


class ApiUser:
    """Signed in as the demo user, with what tests do again and again."""

    def __init__(self, stack: EmbeddedStack) -> None:
        self.client = PortalClient(stack.url)
        self.client.sign_in("demo", stack.secret("demo_password"), name="tests")
        self.project = self.client.project("Integration")["slug"]

    def upload(self, source: str, manifest: str = "") -> str:
        """Put one file of code into the project, with an experiment.yaml if there is one; the bundle's id."""
        file: tuple[str, str | bytes] = ("train.py", source)
        if manifest:
            file = ("code.zip", pack({"train.py": source.encode(), "experiment.yaml": manifest.encode()}))
        response = self.client._http.post(f"/projects/{self.project}/bundles/", files={"file": file})
        response.raise_for_status()
        return str(response.json()["id"])

    def wait(self, experiment: str, true: Callable[[list[Any]], bool]) -> list[Any]:
        """Wait until this is true of the runs of an experiment."""
        limit = time.monotonic() + LIMIT_S
        while not true(runs := self.client.runs(experiment)) and time.monotonic() < limit:
            time.sleep(0.3)
        if true(runs):
            return runs
        words = [(run["number"], run["state"], run["progress"], run["cause"]) for run in runs]
        raise AssertionError(f"not so after {LIMIT_S:.0f} s: {words}")

    def finish(self, experiment: str) -> list[Any]:
        """Wait until every run has ended."""
        return self.wait(experiment, lambda runs: all(run["state"] in FINAL for run in runs))

    def wait_model(self, experiment: str) -> list[Any]:
        """Wait until a model version of the experiment is registered; the sync follows the runs."""
        limit = time.monotonic() + LIMIT_S
        while time.monotonic() < limit:
            if versions := self.client.model_versions(self.project, experiment):
                return versions
            time.sleep(0.3)
        raise AssertionError(f"no model version after {LIMIT_S:.0f} s")

    def log(self, run: dict[str, Any]) -> str:
        """What a run printed."""
        return self.client._http.get(f"/runs/{run['id']}/logs.txt").text


@pytest.fixture
def user(stack: EmbeddedStack) -> ApiUser:
    return ApiUser(stack)


@pytest.fixture
def code() -> Callable[[str], str]:
    """Source of a train function in tests/integration/code."""
    return lambda name: (Path(__file__).parent / "code" / f"{name}.py").read_text()
