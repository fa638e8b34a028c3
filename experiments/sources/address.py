"""Which Git servers the portal may ask: everybody's, never one inside the operator's own network."""

import ipaddress
import re
import socket
from collections.abc import Collection
from dataclasses import dataclass

from mlplatform.kernel.errors import InvalidInput

FIELD = "git_url"
MAX_CHARACTERS = 500
# Only what every parser of URLs reads alike: ours, which checks the host, and that of git's HTTP library.
URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)(:(?P<port>[0-9]{1,5}))?"
    r"(?P<path>(/[A-Za-z0-9._~%+@-]+)+/?)",
    # ASCII: else the Kelvin sign is a K, and a dotless i an i.
    re.IGNORECASE | re.ASCII,
)
PORTS = {"https": 443, "http": 80}
NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Repository:
    """An address that may be asked. `trusted`: the operator has named the host."""

    scheme: str
    host: str
    port: int
    path: str
    trusted: bool

    @property
    def url(self) -> str:
        """As git gets it."""
        port = "" if self.port == PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}{self.path}"

    @property
    def name(self) -> str:
        """Last part of the path, as `git clone` would call the folder."""
        return self.path.rstrip("/").rpartition("/")[2].removesuffix(".git") or "code"


def parse(url: str, trusted_hosts: Collection[str]) -> Repository:
    """Read a URL. Raises InvalidInput(field="git_url") for all but plain https to a named host.

    A host of `trusted_hosts` (host for the usual ports, host:port for another) may be asked by http too.
    """
    url = url.strip()
    shown = url[:200]
    if len(url) > MAX_CHARACTERS:
        raise _bad(f"The URL has {len(url)} characters; at most {MAX_CHARACTERS} are taken.")
    if re.match(r"[a-z]+://[^/]*@", url, re.IGNORECASE):
        # Not shown: what stands there may be a password.
        raise _bad(
            "The URL holds a user name or a password. Repositories that need them are not fetched; upload a .zip."
        )
    found = URL.fullmatch(url)
    if found is None:
        raise _bad(
            f"{shown!r} is not the https address of a repository; write one such as https://host/team/code.git, "
            "without user, query or spaces."
        )
    scheme, host = found["scheme"].lower(), found["host"].lower()
    port = int(found["port"] or PORTS[scheme])
    named = f"{host}:{port}" in trusted_hosts or (port in PORTS.values() and host in trusted_hosts)
    if scheme == "http" and not named:
        raise _bad(f"{shown} is not encrypted, so anybody on the way could change the code; use https://.")
    if not 0 < port < 2**16:
        raise _bad(f"{shown} names the port {port}; ports end at 65535.")
    return Repository(scheme=scheme, host=host, port=port, path=found["path"], trusted=named)


def resolve(repository: Repository) -> list[str]:
    """The addresses of its host. Raises InvalidInput unless every one of them is public, or the host is trusted.

    The caller must connect to these and look nothing up again, for the next answer may be another one.
    """
    host = repository.host
    try:
        answers = socket.getaddrinfo(host, repository.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _bad(f"The host {host} is not found ({error}); check the URL.") from error
    found = sorted({str(answer[4][0]) for answer in answers})
    if not repository.trusted and not all(_is_public(address) for address in found):
        raise _bad(
            f"The host {host} has an address inside a private network, where the portal asks nobody. If it is the "
            "team's own Git server, an administrator can name it in MLP_GIT_HOSTS; else upload a .zip."
        )
    return found


def _is_public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        # An IPv4 address in the clothes of IPv6 is judged by what it is.
        inner = address.ipv4_mapped or address.sixtofour or (address.teredo or (None, None))[1]
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_public(str(inner))
    return address.is_global and not address.is_multicast


def _bad(message: str) -> InvalidInput:
    return InvalidInput(message, field=FIELD)
