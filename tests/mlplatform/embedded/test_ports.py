import json
import socket
from pathlib import Path

import pytest

from mlplatform.embedded import ports
from mlplatform.embedded.errors import StackError

NAMES = ("web", "mlflow", "ray_port")


@pytest.fixture
def remembered(tmp_path: Path) -> Path:
    return tmp_path / "ports.json"


def test_ports_are_free_distinct_and_not_the_usual_ones(remembered: Path) -> None:
    chosen = ports.assign(NAMES, remembered)
    assert len(set(chosen.values())) == len(NAMES)
    assert all(ports.is_free(port) for port in chosen.values())
    assert chosen["mlflow"] in ports.CANDIDATES
    assert chosen["ray_port"] in ports.CANDIDATES
    assert 6379 not in ports.CANDIDATES


def test_the_last_ports_are_taken_again(remembered: Path) -> None:
    first = ports.assign(NAMES, remembered)
    assert ports.assign(NAMES, remembered) == first


def test_a_port_that_is_taken_meanwhile_is_replaced(remembered: Path) -> None:
    first = ports.assign(NAMES, remembered)
    with socket.socket() as other:
        other.bind(("127.0.0.1", first["mlflow"]))
        other.listen()
        second = ports.assign(NAMES, remembered)
    assert second["mlflow"] != first["mlflow"]
    assert second["web"] == first["web"]


def test_the_web_prefers_its_usual_port(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    assert ports.assign(NAMES, remembered)["web"] == 8000


def test_the_web_does_without_its_usual_port(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: port != 8000)
    assert ports.assign(NAMES, remembered)["web"] in ports.CANDIDATES


def test_the_last_port_wins_over_the_usual_one(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    remembered.write_text(json.dumps({"web": 8123}))
    assert ports.assign(NAMES, remembered)["web"] == 8123


@pytest.mark.parametrize("content", ["", "{", '{"web": "no number"}'])
def test_a_broken_memory_does_not_matter(remembered: Path, content: str) -> None:
    remembered.write_text(content)
    assert set(ports.assign(NAMES, remembered)) == set(NAMES)


def test_a_machine_without_free_ports_is_told(remembered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "is_free", lambda port: False)
    with pytest.raises(StackError, match="No free TCP port between 20000 and 29999"):
        ports.assign(NAMES, remembered)


def test_the_web_port_is_held_from_the_moment_it_is_chosen(remembered: Path, tmp_path: Path) -> None:
    first, listener = ports.listen(NAMES, remembered)
    with listener:
        assert listener.getsockname() == ("127.0.0.1", first["web"])
        second, other = ports.listen(NAMES, tmp_path / "other.json")
        with other:
            assert second["web"] != first["web"]


def test_a_port_that_is_never_free_in_time_is_an_error(
    remembered: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def taken(*arguments: object, **options: object) -> None:
        raise OSError("address in use")

    monkeypatch.setattr(socket, "create_server", taken)
    with pytest.raises(StackError, match="taken by others"):
        ports.listen(NAMES, remembered)


def test_the_webs_connections_do_not_delay_small_packets() -> None:
    with ports.web_listener(0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
