"""HTTP to the portal: one kept-alive connection, JSON back, errors sorted by what the caller should do."""

import http.client
import json
import ssl
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from .wire import encode

# With the heartbeat's pace, one request that hangs must not cost the lease.
TIMEOUT_S = 8.0
DEAD_TOKEN = frozenset({401, 403, 404, 410})
RETRYABLE = frozenset({408, 425, 429})


class PortalAwayError(Exception):
    """No usable answer (connection error, 429, 5xx): try again later, `wait_s` at the earliest."""

    def __init__(self, words: str, wait_s: float = 0.0) -> None:
        super().__init__(words)
        self.wait_s = wait_s


@dataclass(frozen=True, slots=True)
class Reply:
    """A definite answer of the portal."""

    status: int
    body: dict[str, Any]

    @property
    def ok(self) -> bool:
        return self.status == 200

    @property
    def token_dead(self) -> bool:
        return self.status in DEAD_TOKEN

    def describe(self) -> str:
        detail = self.body.get("detail") or self.body.get("title") or self.body.get("code") or ""
        return f"{self.status} {detail}".strip()


class PortalClient:
    """Speaks to `{url}` with the allocation's token. Not thread-safe: one thread at a time."""

    def __init__(self, url: str, token: str, timeout_s: float = TIMEOUT_S) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"The portal URL must be http(s)://host[:port]/path, not {url!r}.")
        self._prefix = parts.path.rstrip("/")
        self._timeout_s = timeout_s
        self._headers = {
            "Authorization": f"Bearer {token}",
        }
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, parts.port
        self._connection: http.client.HTTPConnection | None = None

    def post(self, path: str, payload: dict[str, Any]) -> Reply:
        """POST and return the answer. Raises PortalAwayError when it is worth trying again."""
        body, kind = encode(payload)
        reused = self._connection is not None
        try:
            status, raw, wait_s = self._exchange(path, body, kind)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            if not reused:
                raise PortalAwayError(f"{type(error).__name__}: {error}") from error
            # A server may close an idle kept-alive connection at any time; a new one tells whether it is really away.
            try:
                status, raw, wait_s = self._exchange(path, body, kind)
            except (OSError, http.client.HTTPException) as second:
                self.close()
                raise PortalAwayError(f"{type(second).__name__}: {second}") from second
        if status >= 500 or status in RETRYABLE:
            raise PortalAwayError(f"HTTP {status}", wait_s)
        return Reply(status, _parse(raw, status))

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _exchange(self, path: str, body: bytes, kind: str) -> tuple[int, bytes, float]:
        """The status, the body, and for how many seconds not to ask again."""
        if self._connection is None:
            self._connection = self._connect()
        headers = {**self._headers, "Content-Type": kind}
        self._connection.request("POST", self._prefix + path, body=body, headers=headers)
        response = self._connection.getresponse()
        text = response.headers.get("Retry-After", "")
        raw = response.read()
        if response.will_close:
            self.close()
        return response.status, raw, float(text) if text.isdecimal() else 0.0

    def _connect(self) -> http.client.HTTPConnection:
        if self._scheme == "https":
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=self._timeout_s, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=self._timeout_s)


def _parse(raw: bytes, status: int) -> dict[str, Any]:
    try:
        body = json.loads(raw) if raw else {}
    except ValueError as error:
        if status == 200:
            # Something between us and the portal (a proxy's error page) answered.
            raise PortalAwayError("HTTP 200 without JSON") from error
        body = {"detail": raw[:200].decode(errors="replace")}
    return body if isinstance(body, dict) else {"detail": body}
