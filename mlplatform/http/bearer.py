"""The header `Authorization: Bearer <token>`."""


def bearer(header: bytes) -> str | None:
    """The token that the header has, empty if it forgot it; None for another scheme, or without the header."""
    scheme, _, text = header.decode("latin-1").partition(" ")
    return text.strip() if scheme.lower() == "bearer" else None
