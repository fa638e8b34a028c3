"""Health probes: is the server behind this address answering? Each takes a bounded time and never raises."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from mlplatform.embedded.ports import LOOPBACK
from mlplatform.embedded.postgres import PORT

Probe = Callable[[], Awaitable[bool]]
TIMEOUT_S = 5.0


async def alive() -> bool:
    """For processes that listen nowhere: that they run is all there is to see."""
    return True


def http(port: int, path: str, *, token_file: Path | None = None) -> Probe:
    """GET answers 200. With a token file, the request carries the token in it."""

    async def probe() -> bool:
        head = [f"GET {path} HTTP/1.1", f"Host: {LOOPBACK}:{port}", "Connection: close"]
        if token_file:
            head.append(f"Authorization: Bearer {token_file.read_text().strip()}")
        request = "\r\n".join([*head, "", ""]).encode()
        reply = await _exchange(asyncio.open_connection(LOOPBACK, port), request)
        return reply.split(b" ", 2)[1:2] == [b"200"]

    return probe


def valkey(socket_path: Path) -> Probe:
    """PING answers PONG, which it does not while the data set is still loading."""

    async def probe() -> bool:
        reply = await _exchange(asyncio.open_unix_connection(str(socket_path)), b"PING\r\n")
        return reply.startswith(b"+PONG")

    return probe


def postgres(data: Path, sockets: Path) -> Probe:
    """The server says in its pid file that recovery is over, and its socket answers the first packet."""
    ssl_request = (8).to_bytes(4) + (80877103).to_bytes(4)

    async def probe() -> bool:
        try:
            status = (data / "postmaster.pid").read_text().splitlines()[-1]
        except (OSError, IndexError):
            return False
        if status.strip() != "ready":
            return False
        reply = await _exchange(asyncio.open_unix_connection(str(sockets / f".s.PGSQL.{PORT}")), ssl_request)
        return reply.startswith((b"N", b"S"))

    return probe


async def _exchange(
    connecting: Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]], request: bytes
) -> bytes:
    """The first line (or byte) of the answer; nothing if there is none in time."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            reader, writer = await connecting
            try:
                writer.write(request)
                return await reader.read(256)
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return b""
