"""The whole application, as the server calls it."""

import asyncio
import gc
import uuid
from typing import Any

import pytest
from asgiref.testing import ApplicationCommunicator

from mlplatform.asgi import application
from mlplatform.http.handler import ThreadHandler

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


@pytest.fixture(autouse=True)
def in_memory(settings: Any) -> None:
    """The layer of Valkey belongs to one event loop; each test has its own."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}


async def handshake(origin: str) -> str:
    """The first answer to a browser whose page is at `origin`."""
    headers = [(b"host", b"127.0.0.1:8000"), *([(b"origin", origin.encode())] if origin else [])]
    path = f"/ws/live/experiment/{uuid.uuid4()}/"
    scope = {"type": "websocket", "path": path, "headers": headers, "query_string": b"", "subprotocols": []}
    browser = ApplicationCommunicator(application, scope)
    await browser.send_input({"type": "websocket.connect"})
    answer = str((await browser.receive_output(3))["type"])
    browser.stop()
    return answer


@pytest.mark.parametrize("origin", ["http://127.0.0.1:8000", "http://localhost:8000"])
async def test_the_portals_own_pages_may_open_a_socket(origin: str) -> None:
    assert await handshake(origin) == "websocket.accept"


@pytest.mark.parametrize(
    "origin",
    [
        "http://127.0.0.1:8265",
        "http://localhost",
        "https://127.0.0.1:8000",
        "http://evil.example:8000",
        "null",
        "",
    ],
)
async def test_pages_of_other_services_may_not(origin: str) -> None:
    assert await handshake(origin) == "websocket.close"


async def test_a_request_is_answered_by_one_thread_from_middleware_to_view() -> None:
    path = f"/harness/v1/runs/{uuid.uuid4()}/batches"
    headers = [(b"host", b"127.0.0.1:8000"), (b"content-length", b"2")]
    scope = {"type": "http", "method": "POST", "path": path, "headers": headers, "query_string": b""}
    client = ApplicationCommunicator(application, scope)
    await client.send_input({"type": "http.request", "body": b"{}"})
    answer = await client.receive_output(3)
    assert (answer["type"], answer["status"]) == ("http.response.start", 401)
    chain = vars(ThreadHandler())["_middleware_chain"]
    assert not asyncio.iscoroutinefunction(chain)


async def test_what_stays_for_good_is_not_looked_at_for_garbage() -> None:
    assert gc.get_freeze_count() > 100_000, "the modules of the whole product"
