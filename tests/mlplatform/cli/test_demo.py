"""What `mlp demo` does after its runs, and when it is told to stop."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from mlplatform.cli import demo as module
from mlplatform.embedded.home import Home

NUMBERS = (signal.SIGTERM, signal.SIGHUP)


class Stack:
    """A stack that is up at once; waiting for its end is interrupted by the signal."""

    is_ours = True

    def __init__(self, home: Home) -> None:
        self.waited = False
        Stack.last = self  # type: ignore[attr-defined]  # for the test to look at

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def wait_ready(self, *names: str) -> Any:
        return SimpleNamespace(portal_url="http://127.0.0.1:8000", signup_open=True)

    def wait_forever(self) -> None:
        self.waited = True
        os.kill(os.getpid(), self.signal)

    signal = signal.SIGTERM


@pytest.fixture(autouse=True)
def stack(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in NUMBERS}
    monkeypatch.setenv("MLP_HOME", str(tmp_path))
    monkeypatch.setattr(module, "LocalStack", Stack)
    for number in NUMBERS:
        signal.signal(number, signal.SIG_DFL)  # the tests themselves may run under nohup
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("failed", [False, True])
def test_the_portal_stays_up_until_it_is_told_to_stop(
    monkeypatch: pytest.MonkeyPatch, failed: bool, number: signal.Signals
) -> None:
    monkeypatch.setattr(module, "_main_job", lambda *_: failed)
    monkeypatch.setattr(Stack, "signal", number)
    console = Console(record=True, width=200)
    assert module.demo(console) == int(failed)
    text = console.export_text()
    assert "The portal stays up until Ctrl-C" in text
    assert "Anyone on this machine can sign up" in text
    assert text.endswith("Stopped.\n")
    assert Stack.last.waited  # type: ignore[attr-defined]  # see there


def test_what_nohup_protects_from_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    monkeypatch.setattr(module, "_main_job", lambda *_: False)
    module.demo(Console(quiet=True))
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
