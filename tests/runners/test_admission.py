import uuid
from typing import Any

from runners.admission import Claim, decide


def claim(cpus: float, gpus: float = 0, **fields: Any) -> Claim:
    return Claim(id=uuid.uuid4(), cpus=cpus, gpus=gpus, **fields)


def test_what_fits_is_admitted_in_order() -> None:
    first, second, third = claim(2), claim(1), claim(1)
    decision = decide([first, second, third], [], cpus=3, gpus=0)
    assert decision.admit == (first.id, second.id)
    assert decision.reasons == {third.id: "Needs 1 CPUs; 0 of 3 are free."}


def test_nobody_overtakes_a_large_one() -> None:
    large, small = claim(4), claim(1)
    decision = decide([large, small], [claim(2)], cpus=4, gpus=0)
    assert decision.admit == ()
    assert "Needs 4 CPUs; 2 of 4" in decision.reasons[large.id]
    assert "behind" in decision.reasons[small.id]


def test_what_can_never_start_holds_up_nobody() -> None:
    giant, small = claim(8), claim(1)
    decision = decide([giant, small], [], cpus=4, gpus=0)
    assert decision.admit == (small.id,)
    assert "can never start" in decision.reasons[giant.id]


def test_gpus_count_too() -> None:
    wanted = claim(1, 2)
    assert (
        decide([wanted], [claim(1, 1)], cpus=8, gpus=2).reasons[wanted.id] == "Needs 2 GPUs; 1 of 2 are free."
    )


def test_idle_ones_make_room_only_when_somebody_waits() -> None:
    idle, busy = claim(2, idle=True), claim(1)
    assert decide([claim(2)], [idle, busy], cpus=4, gpus=0).release == (idle.id,)
    assert decide([claim(1)], [idle, busy], cpus=4, gpus=0).release == ()
    assert decide([claim(4)], [idle, busy], cpus=4, gpus=0).release == (), "it would not fit even then"


def test_memory_counts_where_the_backend_says_what_it_has() -> None:
    first, second = claim(1, memory=6), claim(1, memory=3)
    decision = decide([first, second], [], cpus=8, gpus=0, memory=8)
    assert decision.admit == (first.id,)
    assert decision.reasons == {second.id: "Needs 3 GiB of memory; 2 of 8 are free."}
    assert decide([first, second], [], cpus=8, gpus=0).admit == (first.id, second.id)
    giant = claim(1, memory=9)
    words = decide([giant], [], cpus=8, gpus=0, memory=8).reasons[giant.id]
    assert "Needs 9 GiB of memory, but the backend has 8" in words


def test_idle_ones_make_room_of_every_kind() -> None:
    idle = claim(1, memory=6, idle=True)
    wanted = claim(1, memory=4)
    assert decide([wanted], [idle], cpus=8, gpus=0, memory=8).release == (idle.id,)
    assert decide([wanted], [idle, claim(1, memory=5)], cpus=8, gpus=0, memory=8).release == ()
