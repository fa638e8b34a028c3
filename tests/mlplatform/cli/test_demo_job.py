import io
import time
from pathlib import Path

import pytest
from django.conf import settings
from rich.console import Console

from accounts.models import User
from experiments.models import Experiment, ModelVersion, Run
from mlplatform.cli import demo
from mlplatform.embedded.home import Home
from tests.mlplatform.cli.conftest import connect
from tests.points import summary


@pytest.fixture
def home(one_connection: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    """The folder of a stack whose portal is the one in this process."""
    monkeypatch.setattr(demo, "PortalClient", connect)
    home = Home(tmp_path)
    home.secret_file("demo_password").parent.mkdir()
    User.objects.create_user("demo", "demo@example.org", home.secret("demo_password").read_text().strip())
    return home


def train(state: str) -> None:
    """Everything is trained; the last run ends in this state."""
    experiment = Experiment.objects.get()
    Run.objects.update(state="completed", progress=1)
    Run.objects.filter(number=4).update(state=state)
    for run in Run.objects.all():
        value = 0.9 + run.number / 100
        summary(run, last=value, max=value)
    Experiment.objects.update(state="completed")
    ModelVersion.objects.create(project=experiment.project, run=run, name="demo.digits", version=1, uri="m")


@pytest.mark.parametrize("state", ["completed", "failed"])
def test_the_main_job(home: Home, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    left = [lambda: train(state)]
    monkeypatch.setattr(time, "sleep", lambda seconds: left.pop()())
    out = io.StringIO()
    failed = demo._main_job(Console(file=out, width=80), settings.PORTAL_URL, home, time.monotonic())
    said = out.getvalue()
    assert failed == (state == "failed")
    assert "First metric" in said
    table = said.partition("───\n")[2].splitlines()
    assert [line.split()[0] for line in table[:4]] == ["4", "3", "2", "1"]
    assert ("Best model: demo.digits version 1" in said) == (state == "completed")
    assert ("Run 4 failed:" in said) == (state == "failed")
