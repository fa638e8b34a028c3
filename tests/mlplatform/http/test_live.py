import asyncio
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from redis.exceptions import ConnectionError as ValkeyAway

from mlplatform.http import live
from mlplatform.http.numbers import Numbers

LIMIT_S = 10.0


@pytest.fixture
def counted() -> Callable[[str], int]:
    """The number of a group's newest message. Groups of a test are its own: counters stay."""

    async def newest(group: str) -> int:
        numbers = Numbers()
        [number] = await numbers.newest([group])
        await numbers.close()
        return number

    return lambda group: asyncio.run(newest(group))


class Layer:
    """A channel layer that takes its time, or refuses."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Any]]] = []
        self.numbers: list[int] = []
        self.delays: list[float] = []
        self.error: Exception | None = None

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """See channels."""
        await asyncio.sleep(self.delays.pop(0) if self.delays else 0)
        if self.error:
            raise self.error
        assert message["group"] == group
        self.sent.append((group, message["events"]))
        self.numbers.append(message["number"])


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    made = Layer()
    monkeypatch.setattr(live, "get_channel_layer", lambda: made)
    return made


def test_news_of_a_group_come_in_one_message_and_transactions_in_order(layer: Layer) -> None:
    layer.delays = [0.05, 0.0, 0.0]
    sender = live.Sender()
    sender.send([(["run.1", "experiment.1"], {"what": "a"}), (["run.1"], {"what": "b"})])
    sender.send([(["run.1"], {"what": "c"})]).result(LIMIT_S)
    assert layer.sent == [
        ("run.1", [{"what": "a"}, {"what": "b"}]),
        ("experiment.1", [{"what": "a"}]),
        ("run.1", [{"what": "c"}]),
    ]


def test_what_valkey_does_not_take_is_lost_and_logged(layer: Layer, caplog: pytest.LogCaptureFixture) -> None:
    sender = live.Sender()
    layer.error = ValkeyAway("gone")
    sender.send([(["run.1"], {"what": "a"})]).result(LIMIT_S)
    layer.error = None
    sender.send([(["run.1"], {"what": "b"})]).result(LIMIT_S)
    assert layer.sent == [("run.1", [{"what": "b"}])]
    assert "1 live events not sent: gone" in caplog.text


def test_news_do_not_pile_up_without_bound(layer: Layer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MAX_WAITING", 2)
    layer.delays = [0.05]
    sender = live.Sender()
    waiting = [sender.send([(["run.1"], {"what": number})]) for number in range(5)]
    for each in waiting:
        each.result(LIMIT_S)
    assert layer.sent == [("run.1", [{"what": 0}]), ("run.1", [{"what": 1}])]


def test_each_group_counts_its_messages(layer: Layer, counted: Callable[[str], int]) -> None:
    one, other = f"run.{uuid4()}", f"run.{uuid4()}"
    sender = live.Sender()
    sender.send([([one], {"what": "a"})]).result(LIMIT_S)
    sender.send([([one, other], {"what": "b"})]).result(LIMIT_S)
    assert layer.numbers == [1, 2, 1]
    assert (counted(one), counted(other)) == (2, 1)


@pytest.mark.parametrize("reason", ["away", "too many"])
def test_what_is_not_sent_leaves_a_gap(
    reason: str, layer: Layer, counted: Callable[[str], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "RETRY_S", 0.01)
    group = f"run.{uuid4()}"
    sender = live.Sender()

    async def away(numbers: Numbers, groups: Any) -> list[int]:
        raise ValkeyAway("gone")

    with monkeypatch.context() as patch:
        if reason == "away":
            patch.setattr(Numbers, "take", away)
        else:
            patch.setattr(live, "MAX_WAITING", 0)
        sender.send([([group], {"what": "a"})]).result(LIMIT_S)
        assert layer.sent == []
    limit = time.monotonic() + LIMIT_S
    while counted(group) == 0 and time.monotonic() < limit:
        time.sleep(0.01)
    sender.send([([group], {"what": "b"})]).result(LIMIT_S)
    assert layer.numbers[0] >= 2
