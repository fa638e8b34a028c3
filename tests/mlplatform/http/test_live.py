import asyncio
from typing import Any

import pytest
from redis.exceptions import ConnectionError as ValkeyAway

from mlplatform.http import live

LIMIT_S = 10.0


class Layer:
    """A channel layer that takes its time, or refuses."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, list[Any]]] = []
        self.delays: list[float] = []
        self.error: Exception | None = None

    async def group_send(self, group: str, message: dict[str, Any]) -> None:
        """See channels."""
        await asyncio.sleep(self.delays.pop(0) if self.delays else 0)
        if self.error:
            raise self.error
        self.sent.append((group, message["events"]))


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
