from pathlib import Path

import pytest

from mlplatform.embedded.display import Screen, console, hints, notes, table
from mlplatform.embedded.home import Home
from mlplatform.embedded.state import Health, ServiceState, StackState


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


@pytest.fixture
def state(home: Home) -> StackState:
    services = {
        "web": ServiceState("web", "http://127.0.0.1:8000", Health.READY, 4711, 3, 104 * 2**20),
        "ray": ServiceState("ray", health=Health.RESTARTING, note="exit code 1; again in 2 s; see ray.log"),
    }
    return StackState(str(home.root), "http://127.0.0.1:8000", services=services)


def rendered(*parts: object) -> str:
    screen = console()
    with screen.capture() as capture:
        screen.print(*parts)
    return capture.get()


def test_the_table_says_it_all(state: StackState) -> None:
    text = rendered(table(state))
    assert "process" in text
    for word in ("web", "4711", "http://127.0.0.1:8000", "ready", "3", "104 MB", "restarting"):
        assert word in text


def test_a_troubled_service_says_why(state: StackState) -> None:
    assert notes(state) == ["ray is restarting: exit code 1; again in 2 s; see ray.log"]


def test_hints_name_the_portal_and_the_password_files(state: StackState, home: Home) -> None:
    text = rendered(hints(state, home))
    assert "http://127.0.0.1:8000\n" in text
    assert str(home.secret_file("demo_password")) in text
    assert "admin_password" in text
    assert "Ctrl-C" in text
    state.services["web"].health = Health.STARTING
    assert "(not up)" in rendered(hints(state, home))


def test_an_open_sign_up_is_said(state: StackState, home: Home) -> None:
    assert "Anyone on this machine can sign up and run code as you; MLP_SIGNUP=closed" in rendered(
        hints(state, home)
    )
    state.signup_open = False
    assert "sign up" not in rendered(hints(state, home))


def test_elsewhere_than_on_a_terminal_changes_are_lines(
    state: StackState, home: Home, capsys: pytest.CaptureFixture[str]
) -> None:
    with Screen(home) as screen:
        screen(state)
        screen(state)
        assert capsys.readouterr().out == (
            "web: ready\nray: restarting (exit code 1; again in 2 s; see ray.log)\n"
        )
        state.services["ray"] = ServiceState("ray", health=Health.READY)
        screen(state)
        screen(state)
    out = capsys.readouterr().out
    assert out.startswith("ray: ready\n")
    assert out.count("Portal") == 1


def test_on_a_terminal_the_table_is_live(
    state: StackState, home: Home, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    with Screen(home) as screen:
        screen(state)
    out = capsys.readouterr().out
    assert "web" in out
    assert "exit code 1" in out
    assert "http://127.0.0.1:8000" in out
