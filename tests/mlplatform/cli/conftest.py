"""The command as a person has it, against the real REST API in this process."""

import io
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from accounts.models import Scope, User
from accounts.services.tokens import token_create
from experiments.models import Experiment
from experiments.services.launch import runs_add
from mlplatform.cli.client import PortalClient
from mlplatform.cli.main import main
from tests.experiments.conftest import finish, repository, server

__all__ = ["finish", "repository", "server"]

SETS = [{"lr": lr} for lr in (0.3, 0.4)]


@dataclass(frozen=True)
class Said:
    """What a command did."""

    code: int
    out: str
    err: str


Mlp = Callable[..., Said]
Step = Callable[[], object]
Meanwhile = Callable[..., list[Step]]


def connect(url: str, token: str = "") -> PortalClient:
    return PortalClient(url, token, transport=httpx.WSGITransport(app=WSGIHandler()))


@pytest.fixture
def one_connection(db: None) -> Iterator[None]:
    """Requests leave the test's database connection open, as those of Django's own test client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def login_path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "login.json"


@pytest.fixture
def bare(
    one_connection: None,
    login_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> Mlp:
    """`mlp` of somebody who has not logged in."""

    def run(*words: str, stdin: str = "", environ: dict[str, str] | None = None, **options: Any) -> Said:
        monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
        capsys.readouterr()
        try:
            code = main(
                words,
                environ={"MLP_CONFIG": str(login_path), **(environ or {})},
                connect=options.get("connect", connect),
            )
        except SystemExit as error:
            code = int(error.code or 0)
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def mlp_as(bare: Mlp) -> Callable[[User], Mlp]:
    """`mlp` of somebody who is logged in."""

    def of(user: User) -> Mlp:
        _, token = token_create(user=user, name="mlp", scope=Scope.ADMIN)
        environ = {"MLP_URL": settings.PORTAL_URL, "MLP_TOKEN": token}
        return lambda *words, **options: bare(*words, environ=environ, **options)

    return of


@pytest.fixture
def mlp(mlp_as: Callable[[User], Mlp], owner: User) -> Mlp:
    """`mlp` of the project's owner."""
    return mlp_as(owner)


@pytest.fixture
def four(owner: User, experiment: Experiment) -> Experiment:
    """vision/sweep with four queued runs."""
    runs_add(user=owner, experiment=experiment, param_sets=SETS)
    return experiment


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """What happens while the command waits: one step each time. Waiting without a step left is an error."""

    def happens(*steps: Step) -> list[Step]:
        left = list(steps)
        monkeypatch.setattr(time, "sleep", lambda seconds: left.pop(0)())
        return left

    return happens
