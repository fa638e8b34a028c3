"""Which portal the command talks to, and as whom: a file of the user's, or two variables."""

import json
import os
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from mlplatform.cli.client import LOOPBACK
from mlplatform.cli.errors import UsageError

FILE_VARIABLE = "MLP_CONFIG"
URL_VARIABLE = "MLP_URL"
TOKEN_VARIABLE = "MLP_TOKEN"  # noqa: S105  (the name of the variable)


@dataclass(frozen=True)
class Login:
    """A portal and a token for it."""

    url: str
    token: str


def portal_url(text: str) -> str:
    """The address of a portal in its normal form. Raises UsageError."""
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"{text!r} is not the address of a portal; write one such as https://ml.example.org."
        )
    if parts.username or parts.query or parts.fragment:
        raise UsageError("Write the portal's address alone, without user name, query or fragment.")
    return text.rstrip("/")


def is_open(url: str) -> bool:
    """Whether others on the network can read what is sent."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname not in LOOPBACK


def login_file(environ: Mapping[str, str]) -> Path:
    """Where the login is kept."""
    if named := environ.get(FILE_VARIABLE):
        return Path(named).expanduser()
    return Path(environ.get("XDG_CONFIG_HOME") or "~/.config").expanduser() / "mlplatform" / "login.json"


def stored(environ: Mapping[str, str]) -> Login | None:
    """What `keep` has kept. Raises UsageError if something else is there."""
    path = login_file(environ)
    try:
        content = json.loads(path.read_text())
        return Login(url=str(content["url"]), token=str(content["token"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{path} cannot be read ({error}). Log in again with `mlp login URL`.") from error


def keep(environ: Mapping[str, str], login: Login) -> Path:
    """Write it down for later commands, readable by this user only."""
    path = login_file(environ)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # Created with mode 0600, so that nobody can read it even for a moment.
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(login), file)
    Path(name).replace(path)
    return path


def forget(environ: Mapping[str, str]) -> None:
    """Undo `keep`."""
    login_file(environ).unlink(missing_ok=True)


def current(environ: Mapping[str, str]) -> Login:
    """Who to be: the variables before the file. Raises UsageError if that is not enough.

    A token is never sent to another portal than the one that it was kept for.
    """
    url, token = environ.get(URL_VARIABLE, ""), environ.get(TOKEN_VARIABLE, "")
    if url and token:
        return Login(portal_url(url), token)
    known = stored(environ)
    if not url:
        if known is None:
            raise UsageError(
                "You are not logged in. Use `mlp login URL`, or set MLP_URL and MLP_TOKEN. "
                "`make status` shows the address of a portal on this machine."
            )
        return Login(known.url, token or known.token)
    if known is None or known.url != portal_url(url):
        raise UsageError(f"There is no token for {url}. Use `mlp login {url}`, or set MLP_TOKEN.")
    return known
