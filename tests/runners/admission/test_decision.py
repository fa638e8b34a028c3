import itertools
import uuid
from typing import Any

from runners.admission import Claim, Rules, Totals, decide
from runners.limits import Cap, Gate, Limits

COUNT = itertools.count()


def claim(cpus: float, gpus: float = 0, **fields: Any) -> Claim:
    """Each is asked for after the one before, unless it says when."""
    return Claim(id=uuid.uuid4(), cpus=cpus, gpus=gpus, **{"asked": next(COUNT) / 1e6, **fields})


def test_what_fits_is_admitted_in_order() -> None:
    first, second, third = claim(2), claim(1), claim(1)
    decision = decide([first, second, third], [], Totals(3, 0))
    assert decision.admit == (first.id, second.id)
    assert decision.reasons == {third.id: "Needs 1 CPUs; 0 of 3 are free."}


def test_nobody_overtakes_a_large_one() -> None:
    large, small = claim(4), claim(1)
    decision = decide([large, small], [claim(2)], Totals(4, 0))
    assert decision.admit == ()
    assert "Needs 4 CPUs; 2 of 4" in decision.reasons[large.id]
    assert "behind" in decision.reasons[small.id]


def test_what_can_never_start_holds_up_nobody() -> None:
    giant, small = claim(8), claim(1)
    decision = decide([giant, small], [], Totals(4, 0))
    assert decision.admit == (small.id,)
    assert "can never start" in decision.reasons[giant.id]


def test_gpus_count_too() -> None:
    wanted = claim(1, 2)
    assert (
        decide([wanted], [claim(1, 1)], Totals(8, 2)).reasons[wanted.id] == "Needs 2 GPUs; 1 of 2 are free."
    )


def test_idle_ones_make_room_only_when_somebody_waits() -> None:
    idle, busy = claim(2, idle=True), claim(1)
    assert decide([claim(2)], [idle, busy], Totals(4, 0)).release == (idle.id,)
    assert decide([claim(1)], [idle, busy], Totals(4, 0)).release == ()
    assert decide([claim(4)], [idle, busy], Totals(4, 0)).release == (), "it would not fit even then"


def test_memory_counts_where_the_backend_says_what_it_has() -> None:
    first, second = claim(1, memory=6), claim(1, memory=3)
    decision = decide([first, second], [], Totals(8, 0, 8))
    assert decision.admit == (first.id,)
    assert decision.reasons == {second.id: "Needs 3 GiB of memory; 2 of 8 are free."}
    assert decide([first, second], [], Totals(8, 0)).admit == (first.id, second.id)
    giant = claim(1, memory=9)
    words = decide([giant], [], Totals(8, 0, 8)).reasons[giant.id]
    assert "Needs 9 GiB of memory, but the backend has 8" in words


def test_idle_ones_make_room_of_every_kind() -> None:
    idle = claim(1, memory=6, idle=True)
    wanted = claim(1, memory=4)
    assert decide([wanted], [idle], Totals(8, 0, 8)).release == (idle.id,)
    assert decide([wanted], [idle, claim(1, memory=5)], Totals(8, 0, 8)).release == ()


def test_fair_shares_go_before_who_came_first() -> None:
    held = [claim(1, project="rich"), claim(1, project="rich")]
    rich, poor = claim(1, project="rich", asked=1), claim(1, project="poor", asked=2)
    assert decide([rich, poor], held, Totals(3, 0)).admit == (poor.id,)
    rules = Rules(weights={"rich": 8})
    assert decide([rich, poor], [*held, claim(1, project="poor")], Totals(4, 0), rules=rules).admit == (
        rich.id,
    )


def test_within_a_project_people_share() -> None:
    busy, calm = claim(1, project="p", user="busy", asked=1), claim(1, project="p", user="calm", asked=2)
    held = [claim(1, project="p", user="busy")]
    assert decide([busy, calm], held, Totals(2, 0)).admit == (calm.id,)


def test_the_dominant_resource_counts() -> None:
    held = [claim(1, 1, project="gpu"), claim(3, project="cpu")]
    gpu, cpu = claim(1, project="gpu", asked=1), claim(1, project="cpu", asked=2)
    # Half of the GPUs against three of ten CPUs.
    assert decide([gpu, cpu], held, Totals(5, 2)).admit == (gpu.id,), (
        "3/5 of the CPUs against 1/2 of the GPUs"
    )
    held.append(claim(5))
    assert decide([gpu, cpu], held, Totals(10, 2)).admit == (cpu.id,), "3/10 against 1/2"


def test_priority_goes_before_everything() -> None:
    high, first = claim(1, priority=1, asked=9, project="rich"), claim(1, asked=1)
    assert decide([first, high], [claim(1, project="rich")], Totals(2, 0)).admit == (high.id,)


def test_a_cap_holds_up_its_own_scope_alone() -> None:
    limits = Limits(caps=[Cap("project:v", "cpus", 2, "project Vision")])
    held = [claim(2, scopes=("project:v",))]
    capped, other = claim(1, scopes=("project:v",), asked=1), claim(1, asked=2)
    decision = decide([capped, other], held, Totals(8, 0), limits=limits)
    assert decision.admit == (other.id,)
    assert decision.reasons == {capped.id: "2 of 2 CPUs of project Vision are in use; it needs 1."}
    giant = claim(3, scopes=("project:v",))
    words = decide([giant], [], Totals(8, 0), limits=limits).reasons[giant.id]
    assert "project Vision may use 2 at one time: this cannot start" in words


def test_the_number_of_jobs_can_be_capped() -> None:
    limits = Limits(caps=[Cap("user:1", "jobs", 1, "user olivia"), Cap("user:1", "jobs", 5, "looser")])
    first, second = claim(1, scopes=("user:1",), asked=1), claim(1, scopes=("user:1",), asked=2)
    decision = decide([first, second], [], Totals(8, 0), limits=limits)
    assert decision.admit == (first.id,)
    assert decision.reasons == {second.id: "1 of 1 jobs of user olivia are in use; it needs 1."}


def test_a_gate_lets_nothing_through() -> None:
    limits = Limits(gates=[Gate("project:v", "Project Vision has used its 100 CPU-hours.")])
    shut, other = claim(1, scopes=("project:v",)), claim(1)
    decision = decide([shut, other], [], Totals(8, 0), limits=limits)
    assert (decision.admit, decision.reasons) == (
        (other.id,),
        {shut.id: "Project Vision has used its 100 CPU-hours."},
    )


def test_a_small_one_goes_ahead_if_it_is_gone_in_time() -> None:
    held = [claim(3, ends=100)]
    large = claim(4, asked=1)
    quick, slow, unknown = (claim(1, asked=2 + n, lasts=lasts) for n, lasts in enumerate((100, 101, None)))
    assert decide([large, quick], held, Totals(4, 0)).admit == (quick.id,)
    for each in (slow, unknown):
        assert decide([large, each], held, Totals(4, 0)).admit == ()
    assert decide([large, quick], [claim(3)], Totals(4, 0)).admit == (), "nobody knows when the place is free"
    late = decide([large, quick], held, Totals(4, 0), rules=Rules(patience=10), now=50)
    assert late.admit == (), "it has waited for too long for a guess"


def test_a_small_one_goes_ahead_if_there_is_room_for_both() -> None:
    held = [claim(3, ends=100), claim(2, ends=500)]
    large, beside, too_much = claim(5, asked=1), claim(1, asked=2), claim(2, asked=2)
    assert decide([large, beside], held, Totals(8, 0)).admit == (beside.id,)
    assert decide([large, too_much], held, Totals(8, 0)).admit == ()
    gpu, cpu = claim(1, 2, asked=1), claim(5, asked=2)
    assert decide([gpu, cpu], [claim(1, 1)], Totals(8, 2)).admit == (cpu.id,), "it takes no GPU"


def test_lower_ones_are_preempted_where_it_is_allowed_and_helps() -> None:
    low = [claim(1, priority=-1, preemptible=True, since=n) for n in range(3)]
    urgent = claim(2, priority=1, asked=900)
    decision = decide([urgent], low, Totals(3, 0), now=1000)
    assert set(decision.preempt) == {low[1].id, low[2].id}, "as few as it takes, the newest first"
    assert (decision.hand_over, decision.release) == ((), ())
    assert decide([urgent], low, Totals(3, 0), now=250).preempt == (), "they have only just started"
    equal = claim(2, priority=-1, asked=900)
    assert decide([equal], low, Totals(3, 0), now=1000).preempt == ()
    stuck = [*low, claim(2, priority=2)]
    assert decide([claim(4, priority=1)], stuck, Totals(5, 0), now=1000).preempt == (), "it would not help"


def test_nobody_is_asked_twice() -> None:
    leaving = claim(2, priority=-1, preemptible=True, leaving=True, draining=True)
    other = claim(2, priority=-1, preemptible=True)
    decision = decide([claim(2, priority=1)], [leaving, other], Totals(4, 0), now=1000)
    assert (decision.preempt, decision.hand_over) == ((), ())


def test_the_richer_project_hands_over_after_its_current_work() -> None:
    held = [claim(1, project="rich", since=n) for n in range(2)]
    poor = claim(1, project="poor", asked=900)
    decision = decide([poor], held, Totals(2, 0), now=1000)
    assert (decision.hand_over, decision.preempt) == ((held[1].id,), ())
    assert decide([poor], held, Totals(2, 0), now=100).hand_over == (), "not right after the start"
    even = [claim(1, project="rich"), claim(1, project="poor")]
    assert decide([poor], even, Totals(2, 0), now=1000).hand_over == (), "it would not be fairer"
    draining = [claim(1, project="rich", draining=True), claim(1, project="rich")]
    assert decide([poor], draining, Totals(2, 0), now=1000).hand_over == ()


def test_everybody_hands_over_to_who_has_waited_too_long() -> None:
    held = [claim(1, project=name) for name in ("a", "b")]
    large = claim(2, project="c", asked=0)
    assert decide([large], held, Totals(2, 0), now=3000).hand_over == ()
    assert set(decide([large], held, Totals(2, 0), now=4000).hand_over) == {each.id for each in held}


def test_who_has_waited_too_long_goes_first_unless_its_project_has_its_part() -> None:
    held = [claim(1, project="a"), claim(1, project="b"), claim(1, project="b")]
    old, new = claim(1, project="a", asked=0), claim(1, project="c", asked=3000)
    assert decide([old, new], held, Totals(4, 0), now=3001).admit == (new.id,)
    assert decide([old, new], held, Totals(4, 0), now=4000).admit == (old.id,)
    greedy = claim(1, project="b", asked=0)
    assert decide([greedy, new], held, Totals(4, 0), now=4000).admit == (new.id,)


def test_the_line_is_told_in_the_order_of_turns() -> None:
    low, high, never = claim(1, priority=-1), claim(1, priority=1), claim(9)
    decision = decide([never, low, high], [claim(2)], Totals(2, 0))
    assert decision.line == (high.id, low.id, never.id)
