"""What is done to many runs at once costs a handful of statements, and leaves the same traces as run by run."""

from typing import Any

import pytest

from accounts.models import User
from experiments.models import Experiment, Run, RunEvent, TrackingSync
from experiments.services import bulk, lifecycle
from experiments.services.control import experiment_cancel, runs_cancel, runs_retry
from experiments.services.searching import sets_add
from experiments.services.tags import runs_tag
from tests.experiments.conftest import Finish

MANY = 300
STATEMENTS = 20


@pytest.fixture
def many(experiment: Experiment) -> Experiment:
    """As many runs wait as nobody wants to wait for one by one."""
    sets_add(experiment, [{"lr": 0.1, "epochs": 3}] * (MANY - 2))
    return experiment


def test_many_are_canceled_and_retried_in_few_statements(
    owner: User, many: Experiment, django_assert_max_num_queries: Any
) -> None:
    with django_assert_max_num_queries(STATEMENTS):
        experiment_cancel(user=owner, experiment=many)
    assert many.runs.filter(state="canceled").exclude(ended_at=None).count() == MANY
    assert RunEvent.objects.filter(kind="canceled", actor=owner).exclude(run=None).count() == MANY
    with django_assert_max_num_queries(STATEMENTS):
        assert len(runs_retry(user=owner, experiment=many, numbers=range(1, MANY + 10)).changed) == MANY
    assert RunEvent.objects.filter(kind="queued", message="Retried.", actor=owner).count() == MANY
    with django_assert_max_num_queries(STATEMENTS):
        outcome = runs_cancel(user=owner, experiment=many, numbers=range(1, MANY + 10))
    assert len(outcome.changed) == MANY
    assert outcome.skipped == list(range(MANY + 1, MANY + 10))


def test_pages_hear_of_the_first_ones_each(
    owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(lifecycle, "RUNS_TOLD", 1)
    monkeypatch.setattr(lifecycle, "run_changed", lambda run: told.append(run.pk))
    runs_tag(user=owner, experiment=experiment, numbers=[1, 2], tags={"kind": "base"})
    experiment_cancel(user=owner, experiment=experiment)
    assert told == [experiment.runs.get(number=1).pk] * 2


def test_those_that_were_tried_are_told_to_the_tracker(
    owner: User, experiment: Experiment, finish: Finish
) -> None:
    tried = finish(1, "failed")
    runs_retry(user=owner, experiment=experiment)
    TrackingSync.objects.all().delete()
    runs_cancel(user=owner, experiment=experiment, numbers=[1, 2])
    assert set(experiment.runs.values_list("state", flat=True)) == {"canceled"}
    assert TrackingSync.objects.get().run == tried


def test_what_is_given_up_or_over_ends_with_its_cause(owner: User, many: Experiment) -> None:
    Experiment.objects.update(max_seconds=60)
    many.refresh_from_db()
    bulk.runs_end(many, many.runs.filter(number__gt=2), "budget")
    codes = list(Run.objects.order_by("number").values_list("state", "cause_code"))
    assert codes[:3] == [("queued", ""), ("queued", ""), ("canceled", "budget_time")]
    event = RunEvent.objects.filter(kind="canceled").first()
    assert event
    assert event.message.startswith("The experiment has used up its")
