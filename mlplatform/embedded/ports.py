"""Free TCP ports on loopback, remembered so that addresses survive a restart of the stack."""

import json
import random
import socket
from collections.abc import Iterator
from pathlib import Path

from mlplatform.embedded.errors import StackError
from mlplatform.embedded.home import write_private

LOOPBACK = "127.0.0.1"
WEB = "web"
WEB_PREFERRED = 8000
BACKLOG = 2048
TRIES = 5
# Below the kernel's ephemeral range (from 32768), so that no outgoing connection takes a port between our choice and
# the child's bind; above Ray's range for its workers (10002 to 19999).
CANDIDATES = range(20_000, 30_000)


def is_free(port: int) -> bool:
    """Whether a server could listen on this port now, on loopback and on every interface."""
    return all(_can_bind(host, port) for host in (LOOPBACK, "0.0.0.0"))  # noqa: S104 a test, closed at once


def assign(names: tuple[str, ...], remembered: Path) -> dict[str, int]:
    """One free port per name: the last used one if it is free, 8000 for the web, else any.

    Writes the choice back to `remembered`.
    """
    previous = _read(remembered)
    drawn = _draw()
    chosen: dict[str, int] = {}
    for name in names:
        wanted = [previous.get(name), WEB_PREFERRED if name == WEB else None]
        free = (port for port in wanted if port and port not in chosen.values() and is_free(port))
        chosen[name] = next(free, None) or next(port for port in drawn if port not in chosen.values())
    write_private(remembered, json.dumps(chosen, indent=1))
    return chosen


def listen(names: tuple[str, ...], remembered: Path) -> tuple[dict[str, int], socket.socket]:
    """Assign the ports and take the web's at once: (ports, listening socket, which the web inherits).

    Two stacks that start together would both choose 8000 and one would watch the other's portal. Held by the
    supervisor, the port also stays ours, and connections wait, while the web starts again.
    """
    for _ in range(TRIES):
        ports = assign(names, remembered)
        try:
            return ports, web_listener(ports[WEB])
        except OSError:
            continue
    raise StackError(f"The portal's port was taken by others {TRIES} times in a row. Start again.")


def web_listener(port: int) -> socket.socket:
    """A listening socket for the web to inherit; 0 for any free port.

    Its connections do not delay small packets. A server that opens its own socket sees to that; for an inherited one,
    which uvicorn takes for a Unix socket, it does not, and every answer would come 40 ms late: its body would wait
    until the client has acknowledged its headers.
    """
    listener = socket.create_server((LOOPBACK, port), backlog=BACKLOG)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _draw() -> Iterator[int]:
    for port in random.sample(CANDIDATES, k=len(CANDIDATES)):
        if is_free(port):
            yield port
    raise StackError(f"No free TCP port between {CANDIDATES.start} and {CANDIDATES.stop - 1}.")


def _can_bind(host: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # Servers set this too; without it a port that only has connections in TIME_WAIT would look taken.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def _read(remembered: Path) -> dict[str, int]:
    try:
        found = json.loads(remembered.read_text())
    except (OSError, ValueError):
        return {}
    return {name: port for name, port in found.items() if isinstance(port, int)}
