import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from experiments.planning import OpenRun, Plan, Snapshot, plan, waiting_words

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def snapshot(**fields: Any) -> Snapshot:
    defaults: dict[str, Any] = {
        "now": NOW,
        "active": True,
        "open_runs": (),
        "serving": (),
        "max_parallel": 1,
        "failures": (),
        "stop_grace": timedelta(seconds=30),
    }
    return Snapshot(**(defaults | fields))


def run(state: str = "queued", *, leased: bool = False, **fields: Any) -> OpenRun:
    return OpenRun(id=uuid.uuid4(), state=state, leased=leased, **fields)


def test_nothing_open_completes_an_active_experiment_and_keeps_workers_warm() -> None:
    assert plan(snapshot()) == Plan(complete=True)


def test_nothing_open_in_one_that_is_over_releases_the_workers() -> None:
    assert plan(snapshot(active=False)) == Plan(drain=True)


def test_as_many_allocations_as_allowed_and_useful() -> None:
    runs = [run(), run(), run()]
    assert plan(snapshot(open_runs=runs)).request == 1
    assert plan(snapshot(open_runs=runs, max_parallel=2)).request == 2
    assert plan(snapshot(open_runs=runs, max_parallel=9)).request == 3
    assert plan(snapshot(open_runs=runs, max_parallel=2, serving=[uuid.uuid4()])).request == 1
    assert plan(snapshot(open_runs=runs, serving=[uuid.uuid4()])).request == 0


def test_a_run_without_its_lease_is_lost() -> None:
    gone, fine = run("running"), run("running", leased=True)
    assert plan(snapshot(open_runs=[gone, fine])).lost == (gone.id,)


def test_a_run_that_does_not_stop_in_time_takes_its_job_down() -> None:
    job = uuid.uuid4()
    late = run("running", leased=True, allocation_id=job, stop_requested_at=NOW - timedelta(seconds=31))
    patient = run(
        "running", leased=True, allocation_id=uuid.uuid4(), stop_requested_at=NOW - timedelta(seconds=29)
    )
    assert plan(snapshot(open_runs=[late, patient])).stop == (job,)


def test_after_a_failure_it_waits_longer_each_time_and_then_gives_up() -> None:
    first = NOW - timedelta(seconds=4)
    assert plan(snapshot(open_runs=[run()], failures=[first])).request == 0
    assert plan(snapshot(open_runs=[run()], failures=[NOW - timedelta(seconds=6)])).request == 1
    assert plan(snapshot(open_runs=[run()], failures=[NOW - timedelta(seconds=6), first])).request == 0
    assert plan(snapshot(open_runs=[run()], failures=[first, first, first])) == Plan(give_up=True)


def test_a_waiting_run_says_why() -> None:
    def words(*states: tuple[str, str], failures: int = 0) -> str:
        return waiting_words(states, failures=failures, max_parallel=2)

    assert (
        words(("running", ""), ("waiting", "Needs 2 CPUs; 0 of 2 are free."))
        == "Needs 2 CPUs; 0 of 2 are free."
    )
    assert words(("submitted", "")) == "Workers are starting."
    assert words(("running", "")) == "Waits for its turn; 2 at a time."
    assert "2 of 3 tries" in words(failures=2)
    assert words() == "Workers are about to be asked for."
