"""MLflow's REST API over httpx.

The `mlflow` client package is not imported: `from mlflow import MlflowClient` takes 1.3 s and 156 MiB here
(0.8 s and 68 MiB with mlflow-skinny alone) in every process that does it; httpx takes 0.1 s and 20 MiB.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from experiments.tracking.port import TrackingRejected, TrackingUnavailable
from mlplatform.kernel.errors import PlatformError

API = "/api/2.0/mlflow"
ARTIFACTS = "/api/2.0/mlflow-artifacts/artifacts"
# Long enough for 1,000 points on a busy server; the outbox does the retries, so a call is made once.
TIMEOUT = httpx.Timeout(20, connect=3)
UPLOAD_TIMEOUT = httpx.Timeout(120, connect=3)
CHUNK_BYTES = 2**18
_MESSAGE_LIMIT = 500
# In MLflow's own words, and as a status where it has none.
_MISSING = {"RESOURCE_DOES_NOT_EXIST", "404"}
# Client errors that pass by themselves: timeout, too early, too many requests.
_PASSING = {408, 425, 429}


class MlflowRest:
    """One connection pool to one tracking server; safe to share between threads."""

    def __init__(self, url: str, *, timeout: httpx.Timeout = TIMEOUT) -> None:
        parts = urlsplit(url)
        # For messages: without a password that the URL may carry.
        self.address = f"{parts.scheme}://{parts.hostname}:{parts.port or ''}".rstrip(":")
        # The server is a neighbour: a proxy meant for the internet must not be asked for it.
        self._client = httpx.Client(base_url=url, timeout=timeout, trust_env=False)

    def get(self, path: str, **params: str) -> dict[str, Any]:
        """Answer of a read."""
        return self._json(self._send("GET", API + path, params=params))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer of a search or a write."""
        return self._json(self._send("POST", API + path, json=body))

    def patch(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer of a change."""
        return self._json(self._send("PATCH", API + path, json=body))

    def delete(self, path: str, body: dict[str, Any]) -> None:
        """Take something away. What is not there is not an error."""
        with suppress_missing():
            self._send("DELETE", API + path, json=body)

    def listing(self, path: str) -> list[dict[str, Any]]:
        """What lies in a folder of the artifact proxy: `path` (its name in there), `is_dir`, `file_size`."""
        with suppress_missing():
            files: list[dict[str, Any]] = self._json(self._send("GET", ARTIFACTS, params={"path": path})).get(
                "files", []
            )
            return files
        return []

    def download(self, path: str) -> Iterator[bytes]:
        """Stream one file of the artifact proxy."""
        url = f"{ARTIFACTS}/{quote(path)}"
        try:
            with self._client.stream("GET", url, timeout=UPLOAD_TIMEOUT) as response:
                if not response.is_success:
                    response.read()
                    raise self._error("GET", url, response)
                yield from response.iter_bytes(CHUNK_BYTES)
        except httpx.TransportError as error:
            raise self._silent(error) from error

    def remove(self, path: str) -> None:
        """Delete a file or a folder of the artifact proxy. What is not there is not an error."""
        with suppress_missing():
            self._send("DELETE", f"{ARTIFACTS}/{quote(path)}")

    def upload(self, path: str, content: bytes | Iterable[bytes], size: int) -> None:
        """Stream one file to the server's artifact proxy. Overwrites."""
        headers = {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        url = f"{ARTIFACTS}/{quote(path)}"
        self._send("PUT", url, content=content, headers=headers, timeout=UPLOAD_TIMEOUT)

    def version(self) -> str:
        """Version of the server, as in `mlflow==3.17.2`."""
        return self._send("GET", "/version").text.strip()

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def _send(self, method: str, path: str, **options: Any) -> httpx.Response:
        try:
            response = self._client.request(method, path, **options)
        except httpx.TransportError as error:
            raise self._silent(error) from error
        if response.is_success:
            return response
        raise self._error(method, path, response)

    def _silent(self, error: httpx.TransportError) -> TrackingUnavailable:
        return TrackingUnavailable(
            f"MLflow at {self.address} does not answer ({type(error).__name__}); will be tried again"
        )

    def _error(self, method: str, path: str, response: httpx.Response) -> PlatformError:
        answer = _object(response) or {}
        reason = str(answer.get("error_code", response.status_code))
        message = str(answer.get("message", response.text))[:_MESSAGE_LIMIT]
        if response.is_server_error or response.status_code in _PASSING:
            return TrackingUnavailable(f"MLflow at {self.address} cannot answer: {message}", reason=reason)
        return TrackingRejected(f"MLflow at {self.address} refused {method} {path}: {message}", reason=reason)

    def _json(self, response: httpx.Response) -> dict[str, Any]:
        answer = _object(response)
        if answer is None:
            raise TrackingRejected(
                f"{self.address} did not answer in JSON; does MLP_MLFLOW_URL name an MLflow server?",
                reason="not_mlflow",
            )
        return answer


class suppress_missing:  # noqa: N801  # named as contextlib.suppress is
    """Pass over the refusal of what is not there."""

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> bool:
        """Whether to pass over it."""
        return isinstance(error, TrackingRejected) and error.details["reason"] in _MISSING


def _object(response: httpx.Response) -> dict[str, Any] | None:
    """The JSON object of an answer, if it is one."""
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None
