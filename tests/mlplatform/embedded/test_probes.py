import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mlplatform.embedded import probes
from tests.stack import SERVERS

Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def server(answer: bytes, seen: list[bytes]) -> AsyncIterator[int]:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.read(4096))
        writer.write(answer)
        writer.close()

    running = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield running.sockets[0].getsockname()[1]
    finally:
        running.close()


@pytest.mark.parametrize(
    ("answer", "well"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", True),
        (b"HTTP/1.1 503 Unavailable\r\n\r\n", False),
        (b"HTTP/1.1 401 Unauthorized\r\n\r\n", False),
        (b"garbage", False),
        (b"", False),
    ],
)
async def test_http(answer: bytes, well: bool) -> None:
    seen: list[bytes] = []
    async with server(answer, seen) as port:
        assert await probes.http(port, "/healthz")() is well
    assert seen[0].startswith(b"GET /healthz HTTP/1.1\r\n")


async def test_http_carries_the_token(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("secret\n")
    seen: list[bytes] = []
    async with server(b"HTTP/1.1 200 OK\r\n\r\n", seen) as port:
        assert await probes.http(port, "/", token_file=tmp_path / "token")()
    assert b"\r\nAuthorization: Bearer secret\r\n" in seen[0]


async def test_nobody_listens(tmp_path: Path) -> None:
    assert not await probes.http(1, "/")()
    assert not await probes.valkey(tmp_path / "none")()
    assert not await probes.postgres(tmp_path, tmp_path)()


async def test_a_silent_server_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(probes, "TIMEOUT_S", 0.1)
    connected = asyncio.Event()

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connected.set()
        await reader.read()
        writer.close()

    running = await asyncio.start_server(handle, "127.0.0.1", 0)
    assert not await probes.http(running.sockets[0].getsockname()[1], "/")()
    assert connected.is_set()
    running.close()


async def test_valkey_answers() -> None:
    assert await probes.valkey(SERVERS.folder / "valkey.sock")()


async def test_postgres_answers() -> None:
    assert await probes.postgres(SERVERS.folder / "data", SERVERS.folder / "postgres")()


async def test_postgres_in_recovery_is_not_ready(tmp_path: Path) -> None:
    (tmp_path / "postmaster.pid").write_text("1\n/data\n0\n5432\n/sockets\n\n  0  0\nstarting\n")
    assert not await probes.postgres(tmp_path, SERVERS.folder / "postgres")()


async def test_being_there_is_enough() -> None:
    assert await probes.alive()
