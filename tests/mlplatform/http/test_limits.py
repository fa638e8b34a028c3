import asyncio
import json
from collections.abc import MutableMapping
from contextlib import suppress
from typing import Any

import pytest

from mlplatform.http import limits
from mlplatform.http.handler import ThreadHandler
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

    with suppress(TimeoutError):  # after its empty body, an app waits for a disconnect that may never come
        async with asyncio.timeout(0.2):
            await BodyLimit(app, 10)({"type": "http", "headers": headers}, receive, send)
    return seen, sent


async def test_what_fits_passes() -> None:
    seen, sent = await answer([b"12345", b"67890"], [(b"content-length", b"10")])
    assert [message.get("body") for message in seen] == [b"12345", b"67890", None]
    assert sent == []


async def refused(path: str, chunks: list[bytes], length: int = 11) -> tuple[list[Message], list[Message]]:
    """What the portal sends for a body that is announced as larger than 10 bytes, and what of it stays unread."""
    sent: list[Message] = []
    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": number < len(chunks)}
        for number, chunk in enumerate(chunks, start=1)
    ]

    async def receive() -> Message:
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if not sent:
            assert len(messages) == len(chunks), "the answer does not wait for the body"
        sent.append(message)

    headers = [(b"content-length", str(length).encode()), (b"host", b"127.0.0.1")]
    scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": headers}
    await BodyLimit(ThreadHandler(), 10)(scope, receive, send)
    return sent, messages


def body(sent: list[Message]) -> str:
    return b"".join(message["body"] for message in sent[1:]).decode()


@pytest.mark.parametrize(("length", "is_refused"), [(10, False), (11, True)])
async def test_the_app_sees_nothing_of_an_announced_giant(length: int, is_refused: bool) -> None:
    seen, _ = await answer([b"12345"], [(b"content-length", str(length).encode())])
    assert (seen[0]["body"] == b"") is is_refused


@pytest.mark.django_db(transaction=True)
async def test_a_browser_gets_a_page() -> None:
    sent, unread = await refused("/p/vision/new/", [b"12345", b"678901"])
    assert sent[0]["status"] == 413
    assert (b"connection", b"close") in sent[0]["headers"]
    assert "<!doctype html>" in body(sent)
    assert "Leave data out; read it from a shared path instead." in body(sent)
    # Read to its end, or the connection would be reset under the answer.
    assert unread == []
    assert [message["more_body"] for message in sent[1:]] == [True] * (len(sent) - 2) + [False]


@pytest.mark.django_db(transaction=True)
async def test_a_script_gets_problem_json() -> None:
    sent, _ = await refused("/api/v1/projects/vision/bundles/", [b"12345678901"])
    assert sent[0]["status"] == 413
    assert json.loads(body(sent))["code"] == "too_large"


@pytest.mark.django_db(transaction=True)
async def test_a_body_without_end_is_not_read_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DRAIN_BYTES", 10)
    _, unread = await refused("/api/v1/me/", [b"123456"] * 5, length=30)
    assert len(unread) == 3


@pytest.mark.parametrize("headers", [[], [(b"content-length", b"5")], [(b"content-length", b"nonsense")]])
async def test_an_unannounced_giant_is_cut_off(headers: list[tuple[bytes, bytes]]) -> None:
    seen, _ = await answer([b"12345", b"678901"], headers)
    assert [message["type"] for message in seen] == ["http.request", "http.disconnect"]
