"""The portal's side of the harness protocol, in memory and strict: what it accepts, the real portal accepts."""

import json
import threading
import uuid
from array import array
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgpack

from runners.harness.wire import encode_number

TOKEN = "allocation-token"


@dataclass
class FakeRun:
    """One run and everything that arrived for it."""

    id: str
    number: int
    config: dict[str, Any]
    entrypoint: str = "train:train"
    progress_total: int | None = None
    checkpoint: dict[str, Any] | None = None
    max_attempts: int = 3
    stop_at_step: int | None = None
    pause: bool = False
    seed: int | None = None
    state: str = "queued"
    attempt: int = 0
    fence: int = 0
    group: str | None = None
    causes: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None
    points: dict[str, list[tuple[int, float | str]]] = field(default_factory=lambda: defaultdict(list))
    logs: dict[int, str] = field(default_factory=lambda: defaultdict(str))
    open_rows: dict[int, str] = field(default_factory=lambda: defaultdict(str))
    checkpoints: list[dict[str, Any]] = field(default_factory=list)
    progress: list[float] = field(default_factory=list)
    expected: dict[tuple[int, int], int] = field(default_factory=lambda: defaultdict(lambda: 1))
    batches: list[dict[str, Any]] = field(default_factory=list)

    @property
    def log(self) -> str:
        return "".join(self.logs[rank] for rank in sorted(self.logs))

    def as_json(self, name: str) -> dict[str, Any]:
        return {
            "id": self.id,
            "number": self.number,
            "name": f"{name} #{self.number}",
            "experiment": name,
            "attempt": self.attempt,
            "fence": self.fence,
            "seed": 100 + self.number if self.seed is None else self.seed,
            "config": self.config,
            "entrypoint": self.entrypoint,
            "checkpoint": self.checkpoint,
            "progress_total": self.progress_total,
            "lease_s": 12,
        }


class FakePortal:
    """A queue of runs behind a loopback HTTP server that can go away and come back on the same port."""

    def __init__(self) -> None:
        self.runs: dict[str, FakeRun] = {}
        self.groups: list[str] = []
        self.environments: list[dict[str, Any]] = []
        self.deaths: list[dict[str, Any]] = []
        self.heartbeats: list[dict[str, Any]] = []
        self.when_empty: dict[str, Any] = {"order": "drain"}
        self.token = TOKEN
        self.connections = 0
        self.intercept: Callable[[str, dict[str, Any]], tuple[int, dict[str, Any]] | None] = (
            lambda path, body: None
        )
        self.lock = threading.RLock()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    # -- life ------------------------------------------------------------------------------------------------------

    def start(self) -> None:
        portal = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                raw_body = self.rfile.read(int(self.headers["Content-Length"]))
                body = decode(raw_body, self.headers["Content-Type"])
                status, answer = portal.handle(self.path, self.headers.get("Authorization", ""), body)
                raw = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                if status == 429:
                    self.send_header("Retry-After", "1")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *arguments: Any) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def __init__(self, address: tuple[str, int]) -> None:
                super().__init__(address, Handler)
                self.sockets: set[Any] = set()

            def process_request(self, request: Any, client_address: Any) -> None:
                self.sockets.add(request)
                portal.connections += 1
                super().process_request(request, client_address)

        self._server = Server(("127.0.0.1", self._port))
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse new connections and break the open ones, like a process that died."""
        assert self._server is not None
        self._server.shutdown()
        self._server.server_close()
        for connection in self._server.sockets:  # type: ignore[attr-defined]
            with_suppressed_close(connection)
        self._server = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}/harness/v1"

    def add(self, **fields: Any) -> FakeRun:
        with self.lock:
            run = FakeRun(id=str(uuid.uuid4()), number=len(self.runs) + 1, **{"config": {}, **fields})
            self.runs[run.id] = run
            return run

    # -- protocol --------------------------------------------------------------------------------------------------

    def handle(self, path: str, authorization: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            if authorization != f"Bearer {self.token}":
                return 401, {"detail": "unknown token"}
            path = path.removeprefix("/harness/v1")
            intercepted = self.intercept(path, body)
            if intercepted is not None:
                return intercepted
            if path == "/leases":
                return 200, self._lease(body)
            if path == "/heartbeats":
                self.heartbeats.append(body)
                return (
                    (200, {}) if self.runs[body["run"]].fence == body["fence"] else (409, {"code": "fenced"})
                )
            if path == "/deaths":
                self.deaths.append(body)
                return 200, {"ended": 0}
            return self._batch(self.runs[path.split("/")[2]], body)

    def _lease(self, body: dict[str, Any]) -> dict[str, Any]:
        group = body["group"]
        if group not in self.groups:
            self.groups.append(group)
            self.environments.append({**body.get("environment", {}), "packages": body.get("packages")})
        for run in self.runs.values():
            if run.state == "running":
                self._worker_died(run, group)
        for run in self.runs.values():
            if run.state == "queued":
                run.state, run.group = "running", group
                run.attempt += 1
                run.fence += 1
                return {"order": "run", "run": run.as_json("digits")}
        return self.when_empty

    def _worker_died(self, run: FakeRun, group: str) -> None:
        assert run.group != group, f"group {group} leases while it holds run #{run.number}"
        run.causes.append({"code": "worker_died"})
        run.fence += 1
        if run.checkpoints:
            run.checkpoint = {key: run.checkpoints[-1][key] for key in ("path", "step")}
        run.state = "queued" if run.attempt < run.max_attempts else "failed"

    def _batch(self, run: FakeRun, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        rank, seq = body["rank"], body["seq"]
        expected = run.expected[body["attempt"], rank]
        ended = run.state != "running" and seq >= expected  # a repetition of what was committed stays welcome
        if ended or body["fence"] != run.fence or body["attempt"] != run.attempt:
            return 409, {"code": "fenced"}
        if seq > expected:
            return 409, {"code": "gap", "expected": expected}
        # Another rank than the first has nothing but its machine to tell of.
        if rank and any(not column["name"].startswith(f"system/{rank}/") for column in body["points"]):
            return 400, {"detail": f"points of a model came from rank {rank}"}
        if seq == expected:
            self._store(run, rank, body)
            run.expected[body["attempt"], rank] = seq + 1
        answer = {"order": self._order(run), "expected": run.expected[body["attempt"], rank]}
        if seq == expected and body["end"] and body["end"].get("group"):
            assert body["end"]["group"] == run.group
            answer["next"] = self._lease({"group": run.group})
        return 200, answer

    def _store(self, run: FakeRun, rank: int, body: dict[str, Any]) -> None:
        run.batches.append(body)
        for column in body["points"]:
            assert len(column["steps"]) == len(column["values"]) == len(column["times"])
            run.points[column["name"]] += list(zip(column["steps"], column["values"], strict=True))
        assert body["log"] == "" or body["log"].endswith("\n")
        run.logs[rank] += body["log"]
        if body["log_open"] is not None:
            run.open_rows[rank] = body["log_open"]
        if body["progress"] is not None:
            run.progress.append(body["progress"])
        if body["checkpoint"]:
            run.checkpoints.append(body["checkpoint"])
        if body["end"]:
            run.end = body["end"]
            run.state = body["end"]["outcome"]
            if body["end"]["cause"]:
                run.causes.append(body["end"]["cause"])

    def _order(self, run: FakeRun) -> str:
        steps = [step for points in run.points.values() for step, _ in points]
        if run.stop_at_step is not None and steps and max(steps) >= run.stop_at_step:
            return "stop"
        return "pause" if run.pause else "continue"


def decode(raw: bytes, kind: str) -> dict[str, Any]:
    """What was sent, with columns as lists whichever way they came."""
    if kind == "application/json":
        return dict(json.loads(raw))
    assert kind == "application/msgpack"
    body: dict[str, Any] = msgpack.unpackb(raw, unicode_errors="replace")
    for column in body.get("points", []):
        column["steps"] = array("q", column["steps"]).tolist()
        column["values"] = [encode_number(value) for value in array("d", column["values"])]
        column["times"] = array("d", column["times"]).tolist()
    return body


def with_suppressed_close(connection: Any) -> None:
    """Break a connection that may be closed already."""
    try:
        connection.shutdown(2)
        connection.close()
    except OSError:
        pass
