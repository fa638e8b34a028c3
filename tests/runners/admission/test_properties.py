"""What holds whatever waits, whatever is held and whatever the limits are."""

import itertools
import random
from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runners.admission import Claim, Decision, Rules, Totals, decide
from runners.admission.pools import Room
from runners.admission.simulation import Job, Simulation
from runners.limits import Cap, Gate, Limits

TOTALS = Totals(8, 4, 16)
PROJECTS = ("a", "b", "c")
NOW = 1000.0


@st.composite
def claims(draw: st.DrawFn, number: int, *, holds: bool) -> Claim:
    project, user = draw(st.sampled_from(PROJECTS)), draw(st.sampled_from(("x", "y")))
    ends = draw(st.none() | st.floats(NOW, NOW + 500)) if holds else None
    return Claim(
        UUID(int=number),
        cpus=draw(st.sampled_from((0.5, 1, 2, 3, 8, 9))),
        gpus=draw(st.sampled_from((0, 0, 1, 4))),
        memory=draw(st.sampled_from((0, 1, 4))),
        project=project,
        user=user,
        scopes=(f"project:{project}", f"user:{user}"),
        priority=draw(st.sampled_from((-1, 0, 0, 1))),
        asked=draw(st.sampled_from((0, 1, 1, 2, 900))),
        since=draw(st.sampled_from((0, 900))),
        ends=ends,
        lasts=draw(st.none() | st.floats(1, 500)),
        idle=holds and draw(st.booleans()),
        draining=holds and draw(st.booleans()),
        preemptible=draw(st.booleans()),
    )


@st.composite
def situations(draw: st.DrawFn) -> tuple[list[Claim], list[Claim], Limits]:
    """What is held is within the limits, as it always was admitted by the rules."""
    waiting = [draw(claims(number, holds=False)) for number in range(draw(st.integers(0, 12)))]
    scopes = [*(f"project:{name}" for name in PROJECTS), "user:x", "user:y"]
    resources = st.sampled_from(("cpus", "gpus", "memory", "jobs"))
    caps = [
        Cap(draw(st.sampled_from(scopes)), draw(resources), draw(st.sampled_from((1, 2, 4, 8))), "it")
        for _ in range(draw(st.integers(0, 4)))
    ]
    gates = [Gate(draw(st.sampled_from(scopes)), "Shut.")] if draw(st.booleans()) else []
    limits = Limits(caps, gates)
    room, holding = Room(TOTALS, limits, []), []
    for number in range(100, 100 + draw(st.integers(0, 8))):
        claim = draw(claims(number, holds=True))
        if room.lack(claim) is None:
            room.take(claim)
            holding.append(claim)
    return waiting, holding, limits


def decided(situation: tuple[Sequence[Claim], Sequence[Claim], Limits]) -> Decision:
    waiting, holding, limits = situation
    return decide(waiting, holding, TOTALS, limits=limits, now=NOW)


@given(situations())
def test_never_more_than_there_is_or_is_allowed(situation: tuple[list[Claim], list[Claim], Limits]) -> None:
    waiting, holding, limits = situation
    admit = set(decided(situation).admit)
    held = [*holding, *(claim for claim in waiting if claim.id in admit)]
    assert sum(claim.cpus for claim in held) <= TOTALS.cpus
    assert sum(claim.gpus for claim in held) <= TOTALS.gpus
    assert sum(claim.memory for claim in held) <= TOTALS.memory
    for cap in limits.caps:
        mine = [claim for claim in held if cap.scope in claim.scopes]
        used = len(mine) if cap.resource == "jobs" else sum(getattr(claim, cap.resource) for claim in mine)
        assert used <= cap.limit
    shut = {gate.scope for gate in limits.gates}
    assert not [claim for claim in waiting if claim.id in admit and shut & set(claim.scopes)]


@given(situations())
def test_everything_is_answered_once(situation: tuple[list[Claim], list[Claim], Limits]) -> None:
    waiting, holding, _ = situation
    decision = decided(situation)
    assert sorted([*decision.admit, *decision.reasons]) == sorted(claim.id for claim in waiting)
    assert sorted(decision.line) == sorted(decision.reasons)
    assert all(decision.reasons.values())
    given_up = [*decision.release, *decision.hand_over, *decision.preempt]
    assert len(given_up) == len(set(given_up))
    assert set(given_up) <= {claim.id for claim in holding}
    assert set(decision.release) <= {claim.id for claim in holding if claim.idle}


@given(situations())
def test_what_fits_waits_only_behind_somebody_who_does_not(
    situation: tuple[list[Claim], list[Claim], Limits],
) -> None:
    waiting, holding, limits = situation
    decision = decided(situation)
    room = Room(TOTALS, limits, holding)
    by_id = {claim.id: claim for claim in waiting}
    for pk in decision.admit:
        room.take(by_id[pk])
    shut = {gate.scope for gate in limits.gates}
    left = [by_id[pk] for pk in decision.reasons if not shut & set(by_id[pk].scopes)]
    fitting = [claim for claim in left if room.lack(claim) is None]
    held_up = [claim for claim in left if room.lack(claim) and not room.never(claim)]
    if fitting:
        assert held_up, "it fits and nobody is before it"
        assert all("behind" in decision.reasons[claim.id] for claim in fitting)


@given(situations(), st.randoms(use_true_random=False))
def test_the_order_of_the_rows_does_not_matter(
    situation: tuple[list[Claim], list[Claim], Limits], shuffler: random.Random
) -> None:
    waiting, holding, limits = situation
    before = decided(situation)
    caps, gates = list(limits.caps), list(limits.gates)
    for rows in (waiting, holding, caps, gates):
        shuffler.shuffle(rows)
    after = decided((waiting, holding, Limits(caps, gates)))
    assert replace(after, reasons={}) == replace(before, reasons={})
    assert after.reasons == before.reasons


@given(situations(), st.sampled_from((0.5, 1, 9)))
def test_who_is_behind_a_gate_changes_nothing_for_the_others(
    situation: tuple[list[Claim], list[Claim], Limits], cpus: float
) -> None:
    waiting, holding, limits = situation
    limits = Limits(limits.caps, [*limits.gates, Gate("project:z", "Shut.")])
    before = decide(waiting, holding, TOTALS, limits=limits, now=NOW)
    stranger = Claim(UUID(int=99), cpus, 0, project="z", scopes=("project:z",), priority=9, asked=NOW)
    after = decide([*waiting, stranger], holding, TOTALS, limits=limits, now=NOW)
    assert after.admit == before.admit
    assert after.reasons.pop(stranger.id)
    assert after.reasons == before.reasons


@given(situations())
def test_nobody_gives_up_anything_for_less_important_work(
    situation: tuple[list[Claim], list[Claim], Limits],
) -> None:
    waiting, holding, _ = situation
    decision = decided(situation)
    by_id = {claim.id: claim for claim in holding}
    most = max((claim.priority for claim in waiting if claim.id in decision.reasons), default=-9)
    for pk in decision.preempt:
        assert by_id[pk].preemptible
        assert by_id[pk].priority < most
    for pk in decision.hand_over:
        assert by_id[pk].priority <= most
    for pk in (*decision.preempt, *decision.hand_over):
        assert NOW - by_id[pk].since >= 300


def stream(project: str, first: int, *, count: int, cpus: float, every: float, work: float) -> list[Job]:
    return [
        Job(
            Claim(UUID(int=first + n), cpus, 0, project=project, user=project, asked=n * every, lasts=work),
            work,
        )
        for n in range(count)
    ]


@pytest.mark.parametrize("wrong", [1, 0.01, None])
def test_a_large_one_is_not_starved_by_small_ones(wrong: float | None) -> None:
    """Nor where the small ones said that they would be gone in no time, or nobody knows how long they take."""
    small = [
        replace(job, claim=replace(job.claim, lasts=wrong and job.work * wrong))
        for name, first in (("a", 1000), ("b", 3000), ("c", 5000))
        for job in stream(name, first, count=300, cpus=1, every=20, work=50)
    ]
    large = Job(Claim(UUID(int=1), 4, 0, project="a", user="a", asked=500, lasts=100), 100)
    alone = Job(Claim(UUID(int=2), 4, 0, project="d", user="d", asked=700), 100)
    rules = Rules(patience=400)
    played = Simulation([*small, large, alone], Totals(4, 0), rules=rules).run(20 * 300)
    for job in (large, alone):
        assert job.claim.id in played.starts
        assert played.starts[job.claim.id] - job.claim.asked < 3 * rules.patience


@given(st.lists(st.tuples(st.integers(1, 4), st.sampled_from(PROJECTS), st.integers(1, 90)), max_size=25))
def test_everything_that_can_start_does(asked: list[tuple[int, str, int]]) -> None:
    jobs = [
        Job(Claim(UUID(int=n), cpus, 0, project=project, asked=n, lasts=None if n % 2 else work), work)
        for n, (cpus, project, work) in enumerate(asked)
    ]
    played = Simulation(jobs, Totals(4, 0)).run()
    assert len(played.starts) == len(jobs)
    assert len(played.ends) == len(jobs)


@pytest.mark.parametrize("weights", [{"a": 1, "b": 1}, {"a": 3, "b": 1}, {"a": 1, "b": 4, "c": 5}])
def test_what_projects_get_approaches_their_weights(weights: dict[str, float]) -> None:
    jobs = [
        job
        for n, name in enumerate(weights)
        for job in stream(name, 10_000 * (n + 1), count=600, cpus=1 + n, every=0, work=10 + 7 * n)
    ]
    held: dict[str, float] = dict.fromkeys(weights, 0)
    since, holds = [0.0], list[Claim]()

    def watch(now: float, waiting: Sequence[Claim], holding: Sequence[Claim]) -> None:
        for claim in holds:
            held[claim.project] += claim.cpus * (now - since[0])
        since[0], holds[:] = now, holding

    rules = Rules(weights=weights, patience=1e9)
    Simulation(jobs, Totals(40, 0), rules=rules, watch=watch).run(190)
    whole = sum(held.values())
    for name, weight in weights.items():
        assert held[name] / whole == pytest.approx(weight / sum(weights.values()), abs=0.05)


def test_long_work_is_shared_in_turns() -> None:
    """Two projects on a machine for one, with runs of a minute in jobs of hours: both come forward."""
    jobs = [
        Job(Claim(UUID(int=n), 2, 0, project=name, asked=n, lasts=36_000), 36_000, run=60)
        for n, name in enumerate(("a", "b"))
    ]
    played = Simulation(jobs, Totals(2, 0)).run(7200)
    turns = sorted(played.starts.values())
    assert len(turns) > 10
    assert all(later - sooner >= 300 for sooner, later in itertools.pairwise(turns)), "but not all the time"
