"""The live socket as it is served: uvicorn, Valkey's channel layer, and readers that do not read."""

import base64
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import uvicorn
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from accounts.models import ApiToken, Membership, Project, User
from accounts.services.access import access_changed
from accounts.services.tokens import token_create, token_revoke
from experiments import broadcast as module
from experiments.consumers import LiveConsumer
from experiments.models import Experiment
from mlplatform.asgi import application
from mlplatform.http.live import group_name, publish

pytestmark = pytest.mark.django_db(transaction=True)

LIMIT_S = 30.0
POINTS = 4000
FRAMES = 120
# What the kernel, uvicorn and one frame hold; those frames together are twice as much.
MAX_HELD = 12 * 2**20


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """A web process."""
    monkeypatch.setattr(module, "FLUSH_S", 0.03)
    monkeypatch.setattr(module, "BEAT_S", 1000 * LIMIT_S)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(
        uvicorn.Config(application, lifespan="off", log_level="warning", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    yield int(listener.getsockname()[1])
    server.should_exit = True
    thread.join(LIMIT_S)
    listener.close()


@pytest.fixture
def token(viewer: User) -> str:
    return token_create(user=viewer, name="ci")[1]


@pytest.fixture
def watch(port: int, token: str, experiment: Experiment) -> Iterator[Callable[..., ClientConnection]]:
    """A client that hears everything from now on."""
    clients = ExitStack()

    def open_socket(*names: str) -> ClientConnection:
        headers = {"Authorization": f"Bearer {token}"}
        client = clients.enter_context(
            connect(address(port, experiment), additional_headers=headers, proxy=None, max_size=None)
        )
        client.send(json.dumps({"watch": names}))
        assert hear(client) == {"watching": list(names)}
        return client

    with clients:
        yield open_socket


def address(port: int, experiment: Experiment) -> str:
    return f"ws://127.0.0.1:{port}/ws/live/experiment/{experiment.pk}/"


def hear(client: ClientConnection) -> Any:
    return json.loads(client.recv(timeout=LIMIT_S))


def close_code(client: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(timeout=LIMIT_S)
    return closed.value.rcvd.code if closed.value.rcvd else None


def tell_points(experiment: Experiment, number: int) -> None:
    """As ingest does after each batch."""
    first = number * POINTS
    steps = list(range(first, first + POINTS))
    columns = {
        "steps": steps,
        "values": [step / 7 for step in steps],
        "times": [1.7e9 + step / 3 for step in steps],
    }
    part = {"name": "loss", "attempt": 1, "count": first + POINTS, **columns}
    event = {"what": "points", "run": "r", "number": 1, "points": [part]}
    publish([group_name("experiment", experiment.pk)], event)


def test_a_token_hears_what_is_published_and_is_hung_up_on_when_revoked(
    watch: Callable[..., ClientConnection], experiment: Experiment, viewer: User
) -> None:
    client = watch("loss")
    tell_points(experiment, 0)
    assert hear(client)["points"][0]["count"] == POINTS
    token_revoke(user=viewer, token_id=ApiToken.objects.get().pk)
    assert close_code(client) == 4401


def test_who_is_no_member_any_more_is_hung_up_on(
    watch: Callable[..., ClientConnection], viewer: User, project: Project
) -> None:
    client = watch()
    Membership.objects.filter(user=viewer, project=project).delete()
    access_changed()
    assert close_code(client) == 4404


def test_nobody_and_strange_pages_are_refused(port: int, experiment: Experiment, token: str) -> None:
    for headers in ({}, {"Origin": "https://evil.example"}):
        with (
            pytest.raises(InvalidStatus),
            connect(address(port, experiment), additional_headers=headers, proxy=None),
        ):
            pass
    wrong = {"Authorization": "Bearer mlp_wrong"}
    with connect(address(port, experiment), additional_headers=wrong, proxy=None) as client:
        assert close_code(client) == 4401


def test_a_reader_that_does_not_read_is_told_to_refetch_and_holds_up_nobody(
    watch: Callable[..., ClientConnection], port: int, token: str, experiment: Experiment
) -> None:
    with closing(open_and_stop(port, token, experiment)) as stuck:
        quick = watch("loss")
        counts = []
        for number in range(FRAMES):
            tell_points(experiment, number)
            counts.append(hear(quick)["points"][0]["count"])
        assert counts == [POINTS * (number + 1) for number in range(FRAMES)]
        assert {consumer._is_behind for consumer in consumers()} == {True, False}
        assert len(read_until(stuck, b'{"refetch": true}')) < MAX_HELD


def open_and_stop(port: int, token: str, experiment: Experiment) -> socket.socket:
    """A socket that watches, and whose other end reads nothing after the answer."""
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    stuck.connect(("127.0.0.1", port))
    stuck.settimeout(LIMIT_S)
    lines = [
        f"GET /ws/live/experiment/{experiment.pk}/ HTTP/1.1",
        f"Host: 127.0.0.1:{port}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
        "Sec-WebSocket-Version: 13",
        f"Authorization: Bearer {token}",
    ]
    stuck.sendall("\r\n".join([*lines, "", ""]).encode())
    read_until(stuck, b"101 Switching Protocols")
    text = b'{"watch": ["loss"]}'
    # A text frame, masked with zeros.
    stuck.sendall(bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
    read_until(stuck, b'{"watching": ["loss"]}')
    return stuck


def read_until(stuck: socket.socket, words: bytes) -> bytes:
    """What came until then."""
    seen = b""
    while words not in seen:
        part = stuck.recv(2**20)
        assert part, f"closed after {seen[-500:]!r}"
        seen += part
    return seen


def consumers() -> list[LiveConsumer]:
    """Those of the web process, which is in this one."""
    return [each for one in module._broadcasts.values() for each in one._everybody()]  # type: ignore[misc]
