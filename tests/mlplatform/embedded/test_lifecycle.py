"""The real stack: two boots of one home, in one story, because each costs many seconds."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import grpc
import httpx
import psycopg
import pytest

from mlplatform.embedded import postgres, processes
from mlplatform.embedded.home import Home
from mlplatform.embedded.processes import Process
from mlplatform.embedded.services import RAY_NODE_ADDRESS
from mlplatform.embedded.state import Health
from tests.stack import EmbeddedStack

pytestmark = pytest.mark.integration
# As /proc/net/tcp and tcp6 have them: 127.0.0.1 and .2, the same mapped into IPv6, and ::1.
LOOPBACK = {
    "0100007F",
    "0200007F",
    "0000000000000000FFFF00000100007F",
    "0000000000000000FFFF00000200007F",
    "00000000000000000000000001000000",
}
LISTENING = "0A"
# One method of each service that Ray's processes may offer.
RAY_METHODS = (
    "/ray.rpc.NodeInfoGcsService/CheckAlive",
    "/ray.rpc.NodeManagerService/GetNodeStats",
    "/ray.rpc.ObjectManagerService/Pull",
    "/ray.rpc.CoreWorkerService/GetCoreWorkerStats",
    "/ray.rpc.ReporterService/GetTraceback",
    "/ray.rpc.RayletDriver/ClusterInfo",
)
UNAUTHENTICATED, UNIMPLEMENTED = grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED
SERVICES = {"postgres", "valkey", "setup", "web", "worker", "clock", "ray", "mlflow"}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """A stack of our own: these tests kill parts of it."""
    stack = EmbeddedStack(Home(tmp_path_factory.mktemp("lifecycle") / "home"))
    yield stack
    if stack.process and stack.process.poll() is None:
        stack.process.kill()
        stack.process.wait()


def database(home: Home) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(postgres.url(home.runtime / "postgres", "mlplatform"), autocommit=True)


def jobs(stack: EmbeddedStack, token: str | None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    url = stack.state().services["ray"].address
    return httpx.get(f"{url}/api/jobs/", headers=headers, timeout=10).status_code


def ray_init(address: str, environment: dict[str, str]) -> str:
    """Everything that `ray.init` says."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    done = subprocess.run(
        [sys.executable, "-c", f"import ray; ray.init({address!r}); print('connected')"],
        env={**clean, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def sockets(process: Process) -> Iterator[str]:
    """Inodes of a process's sockets."""
    links: list[Path] = []
    with suppress(OSError):
        links += Path(f"/proc/{process.pid}/fd").iterdir()
    for link in links:
        # Each by itself: a busy process closes files while it is looked at.
        with suppress(OSError):
            target = str(link.readlink())
            if target.startswith("socket:["):
                yield target[8:-1]


def exposed(family: set[Process]) -> dict[int, str]:
    """Ports on which a family listens beyond loopback, over IPv4 or IPv6, with the command that does."""
    inodes: dict[str, str] = {}
    for process in family:
        with suppress(OSError):
            command = Path(f"/proc/{process.pid}/cmdline").read_text()
            inodes |= dict.fromkeys(sockets(process), command)
    found = {}
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]:
            row = line.split()
            address, _, port = row[1].partition(":")
            if row[3] == LISTENING and row[9] in inodes and address not in LOOPBACK:
                found[int(port, 16)] = inodes[row[9]]
    return found


def answers(port: int, token: str | None, host: str = "127.0.0.1") -> dict[str, grpc.StatusCode]:
    """What a gRPC server says to an empty call of each of Ray's services."""
    metadata = [("authorization", f"Bearer {token}")] if token else []
    found = {}
    with grpc.insecure_channel(f"{host}:{port}") as channel:
        for method in RAY_METHODS:
            try:
                channel.unary_unary(method)(b"", timeout=20, metadata=metadata)
                found[method] = grpc.StatusCode.OK
            except grpc.RpcError as error:
                found[method] = error.code()
    return found


def assert_guarded(port: int, command: str, host: str = "127.0.0.1") -> None:
    """The one service behind the port asks for the token; there is no other that does not."""
    for token in (None, "wrong"):
        found = answers(port, token, host)
        assert set(found.values()) <= {UNAUTHENTICATED, UNIMPLEMENTED}, (port, command, found)
        assert UNAUTHENTICATED in found.values(), (port, command, found)


def gone(family: set[Process], limit_s: float) -> bool:
    limit = time.monotonic() + limit_s
    while any(processes.is_alive(process) for process in family):
        if time.monotonic() > limit:
            return False
        time.sleep(0.1)
    return True


@pytest.mark.ray
def test_the_life_of_a_stack(stack: EmbeddedStack) -> None:
    first = stack.up()
    assert set(first.services) == SERVICES
    assert httpx.get(f"{stack.url}/healthz").json()["status"] == "ok"

    # Parts of Ray listen on every interface: each must ask for the token. Everything else is on loopback.
    assert jobs(stack, None) == 401
    assert jobs(stack, "wrong") in {401, 403}
    assert jobs(stack, stack.secret("ray_token")) == 200
    ports = json.loads((stack.home / "ports.json").read_text())
    beyond = exposed(stack.family())
    assert {ports["ray_port"], ports["ray_node_manager_port"], ports["ray_object_manager_port"]} <= set(
        beyond
    )
    for port, command in beyond.items():
        assert_guarded(port, command)
    assert_guarded(ports["ray_ray_client_server_port"], "ray client server", RAY_NODE_ADDRESS)
    with_token = answers(ports["ray_port"], stack.secret("ray_token"))
    assert UNAUTHENTICATED not in with_token.values()
    assert grpc.StatusCode.OK in with_token.values()
    # And Ray's own client is turned away, as a person at another machine would be.
    for token in ({}, {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "wrong"}):
        said = ray_init(f"{RAY_NODE_ADDRESS}:{ports['ray_port']}", token)
        assert "InvalidAuthToken" in said
        assert "connected" not in said

    # A killed child comes back, and so do those that use it.
    killed = {name: first.services[name].pid for name in ("postgres", "worker", "web")}
    for pid in killed.values():
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
    stack.wait_until(lambda state: all(state.services[name].restarts == 1 for name in killed))
    again = stack.wait()
    assert {name: again.services[name].pid for name in killed}.items().isdisjoint(killed.items())
    assert httpx.get(f"{stack.url}/healthz").status_code == 200

    with database(stack.home) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    family = stack.family()
    assert len(family) > len(SERVICES)
    assert stack.down() == 0
    assert not any(processes.is_alive(process) for process in family)
    assert not stack.home.is_running()

    # Up again, in the same place, with the same data and secrets.
    secret = stack.secret("demo_password")
    second = stack.up("web")
    assert second.portal_url == first.portal_url
    assert stack.secret("demo_password") == secret
    with database(stack.home) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchall() == [(42,)]
        assert connection.execute("SELECT count(*) FROM accounts_user").fetchone() == (2,)

    # Even a supervisor that is killed leaves nothing running that the next one would not end.
    family = stack.family()
    assert stack.process
    stack.process.kill()
    stack.process.wait()
    third = stack.up("web")
    assert gone(family - {process for process in family if process.pid == stack.process.pid}, 10)
    assert third.services["postgres"].health is Health.READY
    assert stack.down() == 0
