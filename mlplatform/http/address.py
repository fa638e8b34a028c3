"""Where a request came from."""

from ipaddress import ip_address


def peer(host: object) -> str:
    """The address of the other end of the connection in its normal form; empty for a Unix socket.

    Headers such as X-Forwarded-For say nothing: anybody can write them.
    """
    try:
        found = ip_address(str(host).partition("%")[0])
    except ValueError:
        return ""
    return str(getattr(found, "ipv4_mapped", None) or found)
