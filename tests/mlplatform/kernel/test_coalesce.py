import threading

import pytest

from mlplatform.kernel.coalesce import Coalesced, TakingTurns

LIMIT_S = 10.0


class Work:
    """Counts its calls; each waits until it is let go."""

    def __init__(self) -> None:
        self.started = threading.Semaphore(0)
        self.go = threading.Semaphore(0)
        self.calls = 0

    def __call__(self) -> None:
        self.calls += 1
        self.started.release()
        assert self.go.acquire(timeout=LIMIT_S)


def test_many_calls_while_one_runs_become_one_more() -> None:
    work = Work()
    coalesced = Coalesced(work)
    first = threading.Thread(target=coalesced)
    first.start()
    assert work.started.acquire(timeout=LIMIT_S)
    second = threading.Thread(target=coalesced)
    second.start()
    others = [threading.Thread(target=coalesced) for _ in range(5)]
    for thread in others:
        thread.start()
    # All but one return at once, although the first still runs.
    for thread in [second, *others]:
        thread.join(1.0)
    assert sum(thread.is_alive() for thread in [second, *others]) == 1
    assert work.calls == 1
    work.go.release(2)
    for thread in [first, second, *others]:
        thread.join(LIMIT_S)
    assert work.calls == 2


def test_an_error_does_not_keep_the_next_from_running() -> None:
    calls = []

    def fail() -> None:
        calls.append(1)
        raise ValueError("broken")

    coalesced = Coalesced(fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            coalesced()
    assert len(calls) == 2


def test_what_is_asked_for_while_one_works_has_its_turn_after_it_and_once() -> None:
    turns: list[str] = []

    def work(key: str) -> None:
        turns.append(key)
        if key == "a" and len(turns) == 1:
            for asked in ("b", "a", "b", "c"):
                threads = [threading.Thread(target=taking_turns, args=(asked,)) for _ in range(2)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(LIMIT_S)
                    assert not thread.is_alive(), "it waits instead of leaving its key"

    taking_turns = TakingTurns(work)
    taking_turns("a")
    assert turns == ["a", "b", "a", "c"]


def test_a_turn_that_fails_ends_the_work_and_the_next_call_goes_on() -> None:
    turns: list[str] = []

    def work(key: str) -> None:
        turns.append(key)
        if turns == ["a"]:
            taking_turns("b")
            raise ValueError("broken")

    taking_turns = TakingTurns(work)
    with pytest.raises(ValueError, match="broken"):
        taking_turns("a")
    taking_turns("c")
    assert turns == ["a", "b", "c"]


def test_nobody_works_for_others_without_end() -> None:
    turns: list[int] = []

    def work(key: int) -> None:
        turns.append(key)
        taking_turns(key + 1)

    taking_turns = TakingTurns(work, most=3)
    taking_turns(1)
    assert turns == [1, 2, 3]
    taking_turns(9)
    assert turns == [1, 2, 3, 4, 9, 5]
