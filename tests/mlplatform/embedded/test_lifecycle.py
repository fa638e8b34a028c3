"""The real stack: two boots of one home, in one story, because each costs many seconds."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from mlplatform.embedded import postgres, processes
from mlplatform.embedded.home import Home
from mlplatform.embedded.processes import Process
from mlplatform.embedded.state import Health
from tests.stack import EmbeddedStack

pytestmark = pytest.mark.integration
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


def listeners(family: set[Process]) -> dict[str, str]:
    """Listening IPv4 addresses of a family, as /proc/net/tcp has them, with the command that listens."""
    inodes = {}
    for process in family:
        try:
            for link in Path(f"/proc/{process.pid}/fd").iterdir():
                target = str(link.readlink())
                if target.startswith("socket:["):
                    inodes[target[8:-1]] = Path(f"/proc/{process.pid}/cmdline").read_text()
        except OSError:
            continue
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[1]: inodes[row[9]] for row in rows if row[3] == "0A" and row[9] in inodes}


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
    assert httpx.get(f"{stack.url}/healthz").json() == {"status": "ok"}

    # Ray listens on every interface, so it must ask for the token; everything else is on loopback.
    assert jobs(stack, None) == 401
    assert jobs(stack, "wrong") in {401, 403}
    assert jobs(stack, stack.secret("ray_token")) == 200
    for address, command in listeners(stack.family()).items():
        assert address.startswith(("0100007F:", "0200007F:")) or "ray" in command, (address, command)

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
