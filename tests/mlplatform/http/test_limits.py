import json
from collections.abc import MutableMapping
from typing import Any

import pytest

from mlplatform.http.limits import BodyLimit

Message = MutableMapping[str, Any]


async def answer(
    chunks: list[bytes], headers: list[tuple[bytes, bytes]]
) -> tuple[list[Message], list[Message]]:
    """What an app behind a limit of 10 bytes gets to see, and what is sent."""
    seen: list[Message] = []
    sent: list[Message] = []
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]

    async def app(scope: Message, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "http.request":
            seen.append(message)
        seen.append(message)

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await BodyLimit(app, 10)({"type": "http", "headers": headers}, receive, send)
    return seen, sent


async def test_what_fits_passes() -> None:
    seen, sent = await answer([b"12345", b"67890"], [(b"content-length", b"10")])
    assert [message.get("body") for message in seen] == [b"12345", b"67890", None]
    assert sent == []


async def test_an_announced_giant_is_refused_unread() -> None:
    seen, sent = await answer([b"1"], [(b"content-length", b"11")])
    assert seen == []
    assert sent[0]["status"] == 413
    assert json.loads(sent[1]["body"])["code"] == "too_large"


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"5")], [(b"content-length", b"nonsense")]])
async def test_an_unannounced_giant_is_cut_off(headers: list[tuple[bytes, bytes]]) -> None:
    seen, _ = await answer([b"12345", b"678901"], headers)
    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]
