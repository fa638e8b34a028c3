import asyncio
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from mlplatform.embedded import child, postgres, probes
from mlplatform.embedded.child import Child
from mlplatform.embedded.errors import StackError
from tests.stack import SERVERS


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("postgres") / "data"
    postgres.initialise(folder, ["one", "two"], sync=False)
    return folder


@pytest.fixture
def server(data: Path) -> Iterator[Child]:
    with running(data, "second") as (_, child):
        yield child


@contextmanager
def running(data: Path, name: str) -> Iterator[tuple[Path, Child]]:
    """A server with its sockets in a folder of this name, in the environment of the test."""
    sockets = SERVERS.folder / name
    postgres.prepare_folder(sockets)
    command = postgres.command(data, sockets, postgres.SETTINGS | postgres.UNSAFE_SETTINGS)
    server = child.spawn(
        tuple(command),
        environment=os.environ,
        folder=data.parent,
        log=data.parent / "log",
        stop_signal=signal.SIGINT,
    )
    probe = probes.postgres(data, sockets)

    async def ready() -> None:
        async with asyncio.timeout(20):
            while not await probe():
                await asyncio.sleep(0.02)

    asyncio.run(ready())
    yield sockets, server
    asyncio.run(server.stop(hurry=asyncio.Event()))


def test_the_databases_are_there_and_nothing_listens_on_tcp(server: Child) -> None:
    with psycopg.connect(postgres.url(SERVERS.folder / "second", "one")) as connection:
        names = connection.execute("SELECT datname FROM pg_database").fetchall()
        assert {("one",), ("two",)} <= set(names)
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)


def test_the_operators_shell_decides_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPORT", "6000")
    postgres.initialise(tmp_path / "data", ["one"], environment={"PATH": os.defpath}, sync=False)
    with (
        running(tmp_path / "data", "third") as (sockets, _),
        psycopg.connect(postgres.url(sockets, "one")) as connection,
    ):
        assert connection.execute("SHOW port").fetchone() == ("5432",)


def test_a_slow_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "RUN_LIMIT_S", 0.01)
    with pytest.raises(StackError, match="initdb was not done after 0 s"):
        postgres.initialise(tmp_path / "data", ["one"], sync=False)


def test_a_stop_is_clean(server: Child, data: Path) -> None:
    asyncio.run(server.stop(hurry=asyncio.Event()))
    assert server.exit_code() == 0
    assert not (data / "postmaster.pid").exists()


def test_data_and_sockets_are_private(data: Path) -> None:
    assert (data.stat().st_mode & 0o777) == 0o700
    assert ((SERVERS.folder / "postgres").stat().st_mode & 0o777) == 0o700


def test_a_second_time_keeps_the_data(data: Path) -> None:
    before = (data / "global" / "pg_control").stat().st_ino
    postgres.initialise(data, ["one", "two"], sync=False)
    assert (data / "global" / "pg_control").stat().st_ino == before


@pytest.mark.parametrize("content", [str(os.getpid()), "4194305", "no number", ""])
def test_the_pid_file_of_a_dead_server_goes(data: Path, content: str) -> None:
    (data / "postmaster.pid").write_text(content)
    postgres.initialise(data, [], sync=False)
    assert not (data / "postmaster.pid").exists()


def test_the_pid_file_of_a_living_server_stays(data: Path, server: Child) -> None:
    postgres.initialise(data, [], sync=False)
    assert (data / "postmaster.pid").exists()


def test_an_unfinished_cluster_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "data.new").mkdir()
    (tmp_path / "data.new" / "half").touch()
    (tmp_path / "data").mkdir()
    postgres.initialise(tmp_path / "data", [], sync=False)
    assert (tmp_path / "data" / "PG_VERSION").exists()
    assert not (tmp_path / "data.new").exists()


def test_a_failure_says_what_failed(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"(?s)postgres failed.*syntax error"):
        postgres.initialise(tmp_path / "data", ["not a name"], sync=False)
    assert not (tmp_path / "data").exists()
