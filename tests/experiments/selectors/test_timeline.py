import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from accounts.models import User
from experiments.causes import Cause
from experiments.models import Experiment, Run
from experiments.selectors import timeline as module
from experiments.selectors.timeline import Timeline, timeline
from experiments.services import control, lifecycle
from experiments.services.leasing import lease_next
from runners.models import Allocation
from tests.experiments.swept import add_runs

Wait = Callable[[timedelta], None]


def states(found: Timeline, number: int = 1) -> list[tuple[str, int, int | None]]:
    """State, whole seconds or -1 for what goes on, and lane of each span of a run."""
    [spans] = [spans for one, _, spans in found.runs if one == number]
    return [
        (span.state, -1 if span.end is None else round(span.end - span.start), span.lane) for span in spans
    ]


def later(run: Run, state: str, kind: str) -> Run:
    run.refresh_from_db()
    with transaction.atomic():
        assert lifecycle.run_move(run, state, kind)
    return run


def test_what_waits_has_waited_since_it_was_made(experiment: Experiment) -> None:
    found = timeline(experiment)
    assert states(found, 1) == [("queued", -1, None)]
    assert found.lanes == []


def test_starting_and_training(experiment: Experiment, leased: Any) -> None:
    _, run, _ = leased
    assert states(timeline(experiment))[1:] == [("starting", -1, 0)]
    later(run, "running", "running")
    body = timeline(experiment).to_json()
    assert [span[0] for span in body["runs"][0]["spans"]] == ["queued", "starting", "running"]
    assert body["runs"][0]["spans"][-1][2:] == [None, 0, 1]
    assert len(body["lanes"]) == 1
    assert json.loads(json.dumps(body)) == body


def test_a_run_that_failed_and_was_retried_much_later(
    experiment: Experiment, leased: Any, owner: User, allocation: Allocation
) -> None:
    _, run, _ = leased
    later(run, "running", "running")
    lifecycle.run_finish(run, "failed", Cause("error", "It broke."))
    assert states(timeline(experiment))[-1][0] == "failed"
    control.run_retry(user=owner, run=run)
    lease_next(allocation=allocation, group_id="again", environment={})
    kinds = [state for state, _, _ in states(timeline(experiment))]
    assert kinds[:4] == ["queued", "starting", "failed", "queued"]
    spans = timeline(experiment).runs[0][2]
    # It did not wait between its end and the retry.
    assert spans[2].end is not None
    assert spans[3].start >= spans[2].end


def test_a_run_that_was_canceled_while_it_waited(experiment: Experiment, owner: User) -> None:
    control.experiment_cancel(user=owner, experiment=experiment)
    [span] = timeline(experiment).runs[0][2]
    assert span.state == "queued"
    assert span.end is not None


def test_an_attempt_that_was_paused_says_so(experiment: Experiment, leased: Any) -> None:
    _, run, _ = leased
    later(run, "running", "running")
    run.stop_reason = "paused"
    lifecycle.run_stopped(run)
    assert [state for state, _, _ in states(timeline(experiment))] == [
        "queued",
        "starting",
        "paused",
        "queued",
    ]


def test_the_newest_runs_in_a_fixed_number_of_queries(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: Any
) -> None:
    add_runs(experiment, [({"lr": n}, n) for n in range(20)])
    monkeypatch.setattr(module, "MAX_RUNS", 5)
    with django_assert_num_queries(4):
        found = timeline(experiment)
    assert [number for number, _, _ in found.runs] == [18, 19, 20, 21, 22]
    assert found.left_out == 17


def test_the_runs_that_work_are_shown_before_the_queue_behind_them(
    experiment: Experiment, leased: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_runs(experiment, [({"lr": n}, n) for n in range(20)])
    Run.objects.filter(experiment=experiment, number__gt=1).update(state="queued", attempts_made=0)
    monkeypatch.setattr(module, "MAX_RUNS", 3)
    found = timeline(experiment)
    assert [(number, state) for number, state, _ in found.runs] == [
        (1, "starting"),
        (21, "queued"),
        (22, "queued"),
    ]
    assert found.left_out == 19
