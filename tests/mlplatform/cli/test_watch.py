import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from rich.console import Console

from accounts.models import User
from accounts.services.tokens import token_create
from experiments.models import Experiment, Run
from experiments.states import ExperimentState, RunState
from mlplatform.cli.client import ClientError, PortalClient
from mlplatform.cli.progress import follow, seconds_left
from mlplatform.kernel import clock
from tests.experiments.conftest import Finish
from tests.mlplatform.cli.conftest import Meanwhile, Mlp, connect
from tests.points import report


def start(experiment: Experiment, number: int) -> None:
    Run.objects.filter(experiment=experiment, number=number).update(
        state="running", started_at=clock.now(), progress=0.5
    )


def over(experiment: Experiment, state: str = ExperimentState.COMPLETED) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(state=state)


def test_an_experiment_is_watched_to_its_end(
    mlp: Mlp, experiment: Experiment, finish: Finish, meanwhile: Meanwhile
) -> None:
    left = meanwhile(
        lambda: start(experiment, 1),
        lambda: finish(1, accuracy=(0.5, 0.7)),
        lambda: finish(2, accuracy=(0.5, 0.9)),
        lambda: over(experiment),
    )
    said = mlp("watch", "vision/sweep")
    assert (said.code, said.err, left) == (0, "", [])
    lines = said.out.splitlines()
    assert lines[0].startswith("run 1   completed  lr=0.1  accuracy 0.7")
    assert lines[1].startswith("run 2   completed  lr=0.2  accuracy 0.9")
    assert "2/2 runs" in lines[2]
    # Then the table, best first.
    assert [line.split()[0] for line in lines[-2:]] == ["2", "1"]


def test_a_failed_run_is_told_with_its_cause_and_by_the_exit_code(
    mlp: Mlp, experiment: Experiment, finish: Finish, meanwhile: Meanwhile
) -> None:
    finish(1)

    def fail() -> None:
        finish(2, state=RunState.FAILED)
        Run.objects.filter(number=2).update(cause_code="user_error", cause_message="ValueError: too bad")
        over(experiment)

    meanwhile(fail)
    said = mlp("watch", "vision/sweep")
    assert said.code == 1
    assert "ValueError: too bad" in said.out
    assert "run 1 " not in said.out, "it was over before anybody watched"


@pytest.mark.parametrize("name", ['top 1 (val) "all" \\', "a.min", "and"])
def test_a_metric_may_be_called_anything(
    mlp: Mlp, experiment: Experiment, finish: Finish, meanwhile: Meanwhile, name: str
) -> None:
    for number, accuracy in ((1, 0.7), (2, 0.9)):
        report(finish(number), [3], [accuracy], name=name)
    Experiment.objects.update(objective_metric=name)
    meanwhile(lambda: over(experiment))
    said = mlp("watch", "vision/sweep")
    assert (said.code, said.err) == (0, "")
    assert [line.split()[0] for line in said.out.splitlines()[-2:]] == ["2", "1"]


def test_ctrl_c_leaves_it_running(mlp: Mlp, experiment: Experiment, meanwhile: Meanwhile) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    meanwhile(interrupt)
    said = mlp("watch", "vision/sweep")
    assert said.code == 130
    assert "vision/sweep goes on without us" in said.err
    experiment.refresh_from_db()
    assert experiment.state == "active"


def test_launch_and_watch(mlp: Mlp, experiment: Experiment, meanwhile: Meanwhile) -> None:
    def end() -> None:
        Run.objects.update(state="completed")
        Experiment.objects.update(state="completed")

    meanwhile(end)
    said = mlp("launch", "example:digits", "--watch")
    assert said.code == 0
    assert "1/1 runs" in said.out


class Outage(httpx.BaseTransport):
    """Answers nothing, or 502 as a proxy does, as long as `steps` say so."""

    def __init__(self, *steps: str) -> None:
        self.steps = list(steps)
        self.inner = connect("http://a")._http._transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        match self.steps.pop(0) if self.steps else "":
            case "away":
                raise httpx.ConnectError("refused", request=request)
            case "502":
                return httpx.Response(502, text="Bad Gateway")
        return self.inner.handle_request(request)


@pytest.fixture
def token(one_connection: None, owner: User) -> str:
    return token_create(user=owner, name="mlp")[1]


def test_an_outage_is_waited_for(
    token: str, experiment: Experiment, settings: Any, meanwhile: Meanwhile
) -> None:
    meanwhile(lambda: None, lambda: None, lambda: over(experiment, "canceled"))
    Run.objects.update(state="canceled")
    portal = PortalClient(settings.PORTAL_URL, token, transport=Outage("away", "502"))
    assert len(follow(Console(quiet=True), portal, str(experiment.id))) == 2


def test_a_portal_that_stays_away_ends_the_watch(
    token: str, experiment: Experiment, settings: Any, meanwhile: Meanwhile, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticks: Iterator[float] = iter(range(0, 10_000, 50))
    monkeypatch.setattr(time, "monotonic", lambda: next(ticks))
    meanwhile(*[lambda: None] * 10)
    portal = PortalClient(settings.PORTAL_URL, token, transport=Outage(*["502"] * 20))
    with pytest.raises(ClientError, match="502"):
        follow(Console(quiet=True), portal, str(experiment.id))


def test_a_refusal_ends_the_watch_at_once(
    experiment: Experiment, one_connection: None, settings: Any
) -> None:
    with pytest.raises(ClientError, match="not valid"):
        follow(Console(quiet=True), connect(settings.PORTAL_URL, "wrong"), str(experiment.id))


def run_of(state: str, seconds: float | None = None, eta: float | None = None) -> dict[str, Any]:
    return {"state": state, "seconds": seconds, "eta_seconds": eta}


@pytest.mark.parametrize(
    ("runs", "total", "expected"),
    [
        ([run_of("queued")], 1, None),
        ([run_of("completed", 10), run_of("queued"), run_of("queued")], 3, 10),
        ([run_of("completed", 10), run_of("running", 4, 6), run_of("queued")], 9, (6 + 7 * 10) / 2),
        ([run_of("running", 4, 6), run_of("running", 1)], 2, (6 + 10) / 2),
        ([run_of("completed", 10), run_of("running", 4, 60)], 2, 60),
    ],
)
def test_how_long_it_may_take(runs: list[dict[str, Any]], total: int, expected: float | None) -> None:
    assert seconds_left({"state": "active", "max_parallel": 2}, runs, total) == expected
    assert seconds_left({"state": "paused", "max_parallel": 2}, runs, total) is None
