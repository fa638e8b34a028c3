import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from experiments.planning import OpenRun, Plan, Snapshot, back_off, plan, waiting_words

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GIVES_UP = Plan(give_up=True, drain=True)


def snapshot(**fields: Any) -> Snapshot:
    defaults: dict[str, Any] = {
        "now": NOW,
        "active": True,
        "paused": False,
        "over": False,
        "open_runs": (),
        "serving": {},
        "max_parallel": 1,
        "failures": (),
        "hopeless": False,
        "stop_grace": timedelta(seconds=30),
        "pause_grace": timedelta(seconds=20),
    }
    return Snapshot(**(defaults | fields))


def run(state: str = "queued", *, leased: bool = False, **fields: Any) -> OpenRun:
    return OpenRun(id=uuid.uuid4(), state=state, leased=leased, **fields)


def allocations(*states: str) -> dict[uuid.UUID, str]:
    return {uuid.uuid4(): state for state in states}


def test_nothing_open_completes_an_active_experiment_and_keeps_workers_warm() -> None:
    assert plan(snapshot()) == Plan(complete=True)


def test_nothing_open_in_one_that_is_over_releases_the_workers() -> None:
    assert plan(snapshot(active=False)) == Plan(drain=True)


def test_as_many_allocations_as_allowed_and_useful() -> None:
    runs = [run(), run(), run()]
    assert plan(snapshot(open_runs=runs)).request == 1
    assert plan(snapshot(open_runs=runs, max_parallel=2)).request == 2
    assert plan(snapshot(open_runs=runs, max_parallel=9)).request == 3
    assert plan(snapshot(open_runs=runs, max_parallel=2, serving=allocations("running"))).request == 1
    assert plan(snapshot(open_runs=runs, serving=allocations("running"))).request == 0


def test_what_is_beyond_the_number_at_a_time_is_given_back() -> None:
    serving = allocations("running", "running", "submitted", "waiting", "waiting")
    idle, busy, starting, *waiting = serving
    training = run("running", leased=True, allocation_id=busy)

    def given_back(number: int, *more: OpenRun) -> tuple[uuid.UUID, ...]:
        open_runs = [training, run(), run(), *more]
        decision = plan(snapshot(open_runs=open_runs, serving=serving, max_parallel=number))
        assert decision.request == 0
        return decision.release

    assert given_back(5) == ()
    assert given_back(4) == (waiting[1],)
    assert given_back(1) == (waiting[1], waiting[0], starting, idle)
    also_busy = run("running", leased=True, allocation_id=idle)
    assert given_back(1, also_busy) == (waiting[1], waiting[0], starting, busy)
    assert plan(snapshot(serving=serving, max_parallel=4)).release == (waiting[1],)


def test_what_ends_after_its_run_counts_as_one_at_a_time_until_then() -> None:
    training = run("running", leased=True, allocation_id=uuid.uuid4())
    open_runs = [training, run(), run()]
    assert plan(snapshot(open_runs=open_runs, max_parallel=2)).request == 1
    assert plan(snapshot(open_runs=open_runs, serving=allocations("running"), max_parallel=2)).request == 0


def test_nothing_is_asked_for_runs_that_back_off() -> None:
    waits, due = run(not_before=NOW + timedelta(seconds=1)), run(not_before=NOW)
    assert plan(snapshot(open_runs=[waits])).request == 0
    assert plan(snapshot(open_runs=[waits, due], max_parallel=2)).request == 1


def test_back_off_doubles_up_to_a_minute() -> None:
    assert [back_off(losses).total_seconds() for losses in range(1, 8)] == [0, 5, 10, 20, 40, 60, 60]


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


def test_a_pause_has_its_own_grace_before_that() -> None:
    def asked(seconds: int) -> OpenRun:
        at = NOW - timedelta(seconds=seconds)
        return run("running", leased=True, allocation_id=uuid.uuid4(), stop_requested_at=at, pausing=True)

    late, patient = asked(51), asked(49)
    assert plan(snapshot(open_runs=[late, patient])).stop == (late.allocation_id,)


def test_after_a_failure_it_waits_longer_each_time_and_then_gives_up() -> None:
    first = NOW - timedelta(seconds=4)
    assert plan(snapshot(open_runs=[run()], failures=[first])).request == 0
    assert plan(snapshot(open_runs=[run()], failures=[NOW - timedelta(seconds=6)])).request == 1
    assert plan(snapshot(open_runs=[run()], failures=[NOW - timedelta(seconds=6), first])).request == 0
    assert plan(snapshot(open_runs=[run()], failures=[first, first, first])) == GIVES_UP
    trying = snapshot(open_runs=[run()], failures=[first, first, first], serving=allocations("submitted"))
    assert plan(trying) == Plan(), "one that is still starting may get there"


def test_what_would_only_be_repeated_is_given_up_at_once() -> None:
    hopeless = snapshot(open_runs=[run()], failures=[NOW], hopeless=True, serving=allocations("submitted"))
    assert plan(hopeless) == GIVES_UP


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


def test_a_search_that_is_over_ends_all_but_the_winner_and_starts_nothing_else() -> None:
    waiting, training, winner = run(), run("running", leased=True), run("running", leased=True, winner=True)
    decision = plan(snapshot(over=True, open_runs=[waiting, training, winner], max_parallel=3))
    assert decision.end == (waiting.id, training.id)
    assert decision.request == 1


def test_what_a_person_queued_after_that_goes_on() -> None:
    exempt, training = run(exempt=True), run("running", leased=True, exempt=True)
    decision = plan(snapshot(over=True, open_runs=[exempt, training], max_parallel=3))
    assert (decision.end, decision.request) == ((), 2)


def test_a_paused_one_releases_its_workers_and_starts_nothing() -> None:
    decision = plan(snapshot(active=False, paused=True, open_runs=[run(), run()], max_parallel=2))
    assert decision == Plan(drain=True)


def test_what_was_leased_while_somebody_paused_is_asked_to_stop() -> None:
    missed, asked = run("starting", leased=True), run("running", leased=True, stop_requested_at=NOW)
    open_runs = [run(), missed, asked]
    assert plan(snapshot(active=False, paused=True, open_runs=open_runs)).pause == (missed.id,)
    assert plan(snapshot(active=False, open_runs=open_runs)).pause == ()
    assert plan(snapshot(open_runs=open_runs)).pause == ()
