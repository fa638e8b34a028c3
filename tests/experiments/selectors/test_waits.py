import uuid
from datetime import timedelta
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.services.projects import project_create
from experiments.models import Experiment, Run
from experiments.selectors.expectations import expected_of
from experiments.selectors.waits import experiments_waits, run_wait
from mlplatform.kernel import clock
from runners.models import Allocation


def job(owner_id: uuid.UUID, **fields: Any) -> Allocation:
    asked = {"workers": 1, "cpus_per_worker": 1, "gpus_per_worker": 0}
    return Allocation.objects.create(owner_id=owner_id, backend="local", package_key="x", **asked, **fields)


@pytest.fixture
def held_up(experiment: Experiment, leased: Any, owner: User) -> Experiment:
    """Another experiment of the same person, in a project of its own, that gets the place of run 1 of the first."""
    allocation, _, _ = leased
    other = Experiment.objects.get(pk=experiment.pk)
    other.pk, other.project = uuid.uuid4(), project_create(user=owner, name="Other")
    other.save(force_insert=True)
    for number in (1, 2, 3):
        Run.objects.create(experiment=other, number=number, set_number=number, seed=number)
    now = clock.now()
    times = {"starts_at": now + timedelta(minutes=5), "starts_by": now + timedelta(minutes=9)}
    job(other.pk, place=2, freed_by=allocation.pk, waiting_reason="Needs 1 CPUs; 0 of 2 are free.", **times)
    job(other.pk, place=4)
    return other


def finished(experiment: Experiment, *seconds: float) -> None:
    for number, each in enumerate(seconds, 100):
        Run.objects.create(
            experiment=experiment, number=number, set_number=number, seed=1, state="completed",
            attempted=timedelta(seconds=each),
        )  # fmt: skip


def test_whose_run_frees_the_place_is_told_to_those_who_may_see_it(
    held_up: Experiment, owner: User, stranger: User, viewer: User
) -> None:
    assert experiments_waits(owner, [held_up])[held_up.pk].frees == "run 1 of sweep ends"
    assert experiments_waits(viewer, [held_up])[held_up.pk].frees == "run 1 of sweep ends"
    wait = experiments_waits(stranger, [held_up])[held_up.pk]
    assert (wait.place, wait.frees) == (2, "somebody else’s run ends")
    assert wait.words == (
        "Starts in about 5 min, when somebody else’s run ends; nine times in ten within 9 min."
    )


def test_runs_of_an_experiment_come_one_after_the_other(held_up: Experiment, owner: User) -> None:
    finished(held_up, 60, 60, 60)
    Experiment.objects.update(max_parallel=1)
    waits = [run_wait(owner, held_up.runs.select_related("experiment").get(number=n)) for n in (1, 2)]
    first, second = waits
    assert first
    assert second
    assert (first.ahead, second.ahead) == (0, 1)
    assert first.starts_at
    assert second.starts_at
    assert second.starts_at - first.starts_at == timedelta(seconds=60)
    assert (first.frees, second.frees) == ("run 1 of sweep ends", "")


def test_what_is_not_known_is_not_said(experiment: Experiment, owner: User, leased: Any) -> None:
    second = experiment.runs.select_related("experiment").get(number=2)
    wait = run_wait(owner, second)
    assert wait
    assert wait.starts_at is None
    finished(experiment, 30)
    wait = run_wait(owner, second)
    assert wait
    assert wait.starts_at
    Experiment.objects.update(state="paused")
    assert run_wait(owner, experiment.runs.select_related("experiment").get(number=2)) is None


def test_expected_lengths_are_quantiles_of_what_finished(experiment: Experiment) -> None:
    nothing = expected_of([experiment.pk])[experiment.pk]
    assert (nothing.run, nothing.run_late, nothing.queued) == (None, None, 2)
    finished(experiment, *range(0, 101, 10))
    found = expected_of([experiment.pk])[experiment.pk]
    assert (found.run, found.run_late) == (50, 90)
    like = Experiment.objects.get(pk=experiment.pk)
    like.pk, like.slug = uuid.uuid4(), "like"
    like.save(force_insert=True)
    assert expected_of([like.pk])[like.pk].run == 50, "of the same code"


def test_rest_tells_it(held_up: Experiment, owner: User) -> None:
    client = APIClient()
    client.force_authenticate(owner)
    found = client.get(f"/api/v1/experiments/{held_up.pk}/").json()
    assert (found["queue"]["place"], found["priority"]) == (2, "normal")
    assert "when run 1 of sweep ends" in found["queue"]["words"]
    listed = client.get(f"/api/v1/projects/{held_up.project.slug}/experiments/").json()
    assert listed[0]["queue"]["place"] == 2
    run = client.get(f"/api/v1/experiments/{held_up.pk}/runs/1/").json()
    assert run["wait"]["place"] == 2
