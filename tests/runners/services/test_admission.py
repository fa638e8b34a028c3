import threading
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection

from accounts.models import Project, User
from experiments.models import Experiment
from mlplatform.kernel import clock
from runners.expected import Expected
from runners.models import Allocation, Lease
from runners.services import admission
from runners.services.admission import allocations_admit, backend_decide
from runners.services.allocations import allocation_end, allocation_request, allocations_prioritize
from runners.services.jobs import job_of
from tests.fakes.runner import FakeRunner


def ask(owner_id: uuid.UUID, **fields: Any) -> Allocation:
    given: dict[str, Any] = {"workers": 1, "cpus_per_worker": 1, "gpus_per_worker": 0} | fields
    return allocation_request(
        owner_id=owner_id, backend="local", package_key="packages/x.zip", fresh_process=False, **given
    )


def states(*allocations: Allocation) -> list[str]:
    found = Allocation.objects.in_bulk([each.pk for each in allocations])
    return [found[each.pk].state for each in allocations]


@pytest.mark.django_db(transaction=True)
def test_two_who_decide_at_once_never_share_the_last_place(runner: FakeRunner) -> None:
    """Real transactions at the same time: each asks for everything, with a better right than the one before."""
    for _ in range(10):
        Allocation.objects.all().delete()
        together = threading.Barrier(4)

        def ask_and_decide(priority: int, together: threading.Barrier = together) -> None:
            together.wait()
            try:
                ask(uuid.uuid4(), workers=2, priority=priority)
                backend_decide("local")
            finally:
                connection.close()

        threads = [threading.Thread(target=ask_and_decide, args=(number,)) for number in range(4)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert Allocation.objects.exclude(admitted_at=None).count() == 1


def test_who_has_a_place_keeps_it_until_the_backend_answers(
    runner: FakeRunner, experiment: Experiment
) -> None:
    first = ask(experiment.id, workers=2)
    runner.down = True
    allocations_admit()
    second = ask(experiment.id)
    allocations_admit()
    assert Allocation.objects.get(pk=first.pk).admitted_at
    assert not Allocation.objects.get(pk=second.pk).admitted_at
    runner.down = False
    allocations_admit()
    assert states(first, second) == ["submitted", "waiting"]
    assert list(runner.jobs) == [first.submission_id]


def test_a_job_that_nobody_wants_any_more_is_stopped_right_after_its_submission(
    runner: FakeRunner, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    allocation = ask(experiment.id)

    def cancel_meanwhile(row: Allocation) -> Any:
        allocation_end(Allocation.objects.get(pk=row.pk), "not_needed")
        return job_of(row)

    monkeypatch.setattr(admission, "job_of", cancel_meanwhile)
    allocations_admit()
    assert runner.polls[allocation.submission_id].status == "stopped"
    assert states(allocation) == ["ended"]


def test_shares_priorities_and_weights_come_from_the_rows(
    runner: FakeRunner, experiment: Experiment, project: Project, owner: User
) -> None:
    other = Project.objects.create(name="Other", slug="other", created_by=owner)
    mine = [ask(experiment.id, project=project, user=owner) for _ in range(3)]
    theirs = ask(uuid.uuid4(), project=other, user=owner)
    allocations_admit()
    assert states(*mine, theirs) == ["submitted", "waiting", "waiting", "submitted"]
    allocation_end(Allocation.objects.get(pk=theirs.pk), "finished")
    again = ask(uuid.uuid4(), project=other, user=owner)
    allocations_prioritize(experiment.id, 1)
    allocations_admit()
    assert states(*mine, again) == ["submitted", "submitted", "waiting", "waiting"]
    allocation_end(Allocation.objects.get(pk=mine[0].pk), "finished")
    allocations_prioritize(experiment.id, 0)
    Project.objects.filter(pk=project.pk).update(weight=5)
    Project.objects.filter(pk=other.pk).update(weight=0.5)
    ask(uuid.uuid4(), project=other, user=owner)
    allocations_admit()
    assert states(mine[2], again) == ["waiting", "submitted"], "it has nothing yet, whatever it weighs"


def test_lower_ones_are_told_to_make_room(
    runner: FakeRunner, experiment: Experiment, project: Project, settings: Any
) -> None:
    project.preemptible = True
    low = [ask(experiment.id, project=project, priority=-1) for _ in range(2)]
    allocations_admit()
    urgent = ask(uuid.uuid4(), priority=1)
    allocations_admit()
    assert states(*low) == ["submitted", "submitted"], "they have only just started"
    past = clock.now() - timedelta(seconds=settings.QUEUE_TURN_SECONDS + 1)
    Allocation.objects.filter(owner_id=experiment.id).update(submitted_at=past)
    allocations_admit()
    assert sorted(states(*low)) == ["draining", "submitted"]
    assert Allocation.objects.exclude(preempted_at=None).count() == 1
    allocations_admit()
    assert Allocation.objects.exclude(preempted_at=None).count() == 1, "one is enough"
    assert states(urgent) == ["waiting"]


def test_places_and_times_are_foreseen(runner: FakeRunner, experiment: Experiment) -> None:
    held = ask(experiment.id, workers=2)
    allocations_admit()
    lease = Lease.objects.create(
        allocation=held, subject_id=uuid.uuid4(), attempt=1, group_id="g", expires_at=clock.now()
    )
    known, unknown = ask(uuid.uuid4(), workers=2), ask(uuid.uuid4(), workers=2)
    allocations_admit(
        lambda owners: {owner: Expected(100, 200, 0) for owner in {held.owner_id, known.owner_id}}
    )
    known.refresh_from_db()
    unknown.refresh_from_db()
    assert (known.place, known.freed_by) == (1, held.pk)
    assert known.starts_at
    assert known.starts_by
    assert (known.starts_at - lease.created_at).total_seconds() == pytest.approx(100, abs=0.01)
    assert (known.starts_by - lease.created_at).total_seconds() == pytest.approx(200, abs=0.01)
    assert (unknown.place, unknown.freed_by) == (2, known.pk)
    allocation_end(Allocation.objects.get(pk=held.pk), "finished")
    allocations_admit()
    known.refresh_from_db()
    unknown.refresh_from_db()
    started = Allocation.objects.get(pk=known.pk)
    assert (started.state, started.place, started.starts_at) == ("submitted", None, None)
    assert (unknown.place, unknown.starts_at) == (1, None), "nobody knows how long the first one takes"


def test_the_number_of_queries_does_not_grow_with_what_waits(
    runner: FakeRunner, experiment: Experiment, django_assert_max_num_queries: Any
) -> None:
    ask(experiment.id, workers=2)
    allocations_admit()
    for _ in range(60):
        ask(uuid.uuid4(), workers=2)
    with django_assert_max_num_queries(16):
        allocations_admit()
