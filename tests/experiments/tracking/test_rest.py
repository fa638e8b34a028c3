import http.server
import json
import threading
from collections.abc import Iterator

import pytest

from experiments.tracking.port import TrackingRejected, TrackingUnavailable
from experiments.tracking.rest import MlflowRest


class Stub(http.server.BaseHTTPRequestHandler):
    """Answers every request with what the test put here."""

    status = 200
    kind = "application/json"
    body = b"{}"

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(self.body)))
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def stub() -> Iterator[tuple[MlflowRest, type[Stub]]]:
    handler = type("Handler", (Stub,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        rest = MlflowRest(f"http://user:secret@127.0.0.1:{server.server_port}")
        yield rest, handler
        rest.close()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503])
def test_answers_that_may_change(stub: tuple[MlflowRest, type[Stub]], status: int) -> None:
    rest, handler = stub
    handler.status, handler.body = status, json.dumps({"error_code": "BUSY", "message": "later"}).encode()
    with pytest.raises(TrackingUnavailable, match="later") as caught:
        rest.get("/runs/get")
    assert caught.value.details == {"reason": "BUSY"}


@pytest.mark.parametrize(
    ("status", "kind", "body", "reason"),
    [
        (400, "application/json", b'{"error_code": "BAD", "message": "no"}', "BAD"),
        (401, "text/html", b"<h1>sign in</h1>", "401"),
        (404, "application/json", b"[]", "404"),
        (404, "application/json", b"{broken", "404"),
        (302, "text/html", b"", "302"),
        (200, "text/html", b"<h1>some other server</h1>", "not_mlflow"),
        (200, "application/json", b"[]", "not_mlflow"),
    ],
)
def test_answers_that_stay(
    stub: tuple[MlflowRest, type[Stub]], status: int, kind: str, body: bytes, reason: str
) -> None:
    rest, handler = stub
    handler.status, handler.kind, handler.body = status, kind, body
    with pytest.raises(TrackingRejected) as caught:
        rest.get("/runs/get")
    assert caught.value.details == {"reason": reason}
    assert "secret" not in caught.value.message
