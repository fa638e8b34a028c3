"""Ranks agree over real sockets, without any process around them."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from runners.harness.consensus import Consensus, Flag
from runners.harness.star import Centre, PeerLostError, join
from tests.runners.harness.conftest import connect


def together(ranks, function):
    with ThreadPoolExecutor(len(ranks)) as pool:
        return list(pool.map(function, ranks))


def test_one_voice_is_enough(ranks):
    answers = together(ranks, lambda c: c.agree([Flag.STOP] if c.rank == 1 else []))
    assert all(Flag.STOP in answer for answer in answers)
    assert all(Flag.LOST not in answer for answer in answers)


def test_nothing_is_carried_over_to_the_next_agreement(ranks):
    together(ranks, lambda c: c.agree([Flag.STOP, Flag.REPORTING]))
    answers = together(ranks, lambda c: c.agree([]))
    assert not any(flag in answer for answer in answers for flag in (Flag.STOP, Flag.REPORTING))


def test_the_lowest_rank_with_a_flag_is_known(ranks):
    answers = together(ranks, lambda c: c.agree([Flag.CHECKPOINT] if c.rank > 0 else []))
    assert {answer.lowest_rank(Flag.CHECKPOINT) for answer in answers} == {1}


@pytest.mark.parametrize(("names", "same"), [(("a", "a"), True), (("a", "b"), False), (("a", None), True)])
def test_names_are_compared(ranks, names, same):
    answers = together(ranks, lambda c: c.agree([Flag.CHECKPOINT], names[min(c.rank, 1)]))
    assert {answer.same_name for answer in answers} == {same}


@pytest.mark.parametrize("value", [None, {"a": [1, "ä"]}, "x" * 5_000_000, 0])
def test_a_value_is_shared(ranks, value):
    assert together(ranks, lambda c: c.share(value if c.rank == 0 else "mine")) == [value] * len(ranks)


def test_any_rank_can_share(ranks):
    assert together(ranks, lambda c: c.share(c.rank, root=1)) == [1] * len(ranks)


def test_waiting_is_visible_from_outside(ranks):
    def late(consensus):
        if consensus.rank == 0:
            time.sleep(0.3)
            assert ranks[1].waiting_since is not None
        consensus.agree([])

    together(ranks, late)
    assert ranks[1].waiting_since is None


def test_a_rank_that_is_gone_is_an_error_not_a_hang():
    first, second = connect(2)
    second.close()
    with pytest.raises(PeerLostError, match="worker 1"):
        Consensus(first, 0, 2).agree([])
    first.close()


def test_strangers_are_turned_away():
    centre = Centre("127.0.0.1", 2)
    address = (centre.invitation["host"], centre.invitation["port"])
    with ThreadPoolExecutor(1) as pool, socket.create_connection(address) as silent:
        silent.sendall(b"GET / HTTP/1.1\r\nHost: somebody\r\n\r\n")
        with socket.create_connection(address) as gone:
            gone.sendall(b"x")
        gathered = pool.submit(centre.gather)
        join(1, centre.invitation).send(0, b"hello")
        star = gathered.result(timeout=10)
        assert star.neighbours() == [1]
        assert star.receive(1) == b"hello"
        star.close()


def test_one_worker_talks_to_nobody():
    alone = Consensus(None, 0, 1)
    answer = alone.agree([Flag.CHECKPOINT], "a")
    assert Flag.CHECKPOINT in answer
    assert answer.lowest_rank(Flag.CHECKPOINT) == 0
    assert answer.same_name
    assert alone.share({"a": 1}) == {"a": 1}
