import stat
from pathlib import Path

import pytest

from mlplatform.cli import login
from mlplatform.cli.errors import UsageError
from mlplatform.cli.login import Login

HERE = Login("https://ml.example.org", "mlp_1")


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {"XDG_CONFIG_HOME": str(tmp_path)}


def test_a_login_is_kept_for_this_user_only(environ: dict[str, str], tmp_path: Path) -> None:
    path = login.keep(environ, HERE)
    assert path == tmp_path / "mlplatform" / "login.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert login.current(environ) == HERE
    path.chmod(0o644)
    login.keep(environ, HERE)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]
    login.forget(environ)
    login.forget(environ)
    assert login.stored(environ) is None


def test_the_file_can_be_named(tmp_path: Path) -> None:
    environ = {"MLP_CONFIG": str(tmp_path / "mine"), "XDG_CONFIG_HOME": "/nowhere"}
    assert login.keep(environ, HERE) == tmp_path / "mine"
    assert login.current(environ) == HERE


def test_variables_go_before_the_file(environ: dict[str, str]) -> None:
    login.keep(environ, HERE)
    assert login.current({**environ, "MLP_TOKEN": "mlp_2"}) == Login(HERE.url, "mlp_2")
    assert login.current({**environ, "MLP_URL": "http://a/", "MLP_TOKEN": "x"}) == Login("http://a", "x")
    assert login.current({**environ, "MLP_URL": f"{HERE.url}/"}) == HERE


def test_a_token_is_not_sent_to_another_portal(environ: dict[str, str]) -> None:
    login.keep(environ, HERE)
    with pytest.raises(UsageError, match="no token for https://other"):
        login.current({**environ, "MLP_URL": "https://other.example.org"})


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"url": "x"}'])
def test_a_damaged_file_says_so(environ: dict[str, str], content: str) -> None:
    login.keep(environ, HERE).write_text(content)
    with pytest.raises(UsageError, match=r"login\.json cannot be read"):
        login.current(environ)


@pytest.mark.parametrize(
    "text", ["ml.example.org", "ftp://a", "http://", "http://me:secret@a", "http://a/?b"]
)
def test_not_every_text_is_an_address(text: str) -> None:
    with pytest.raises(UsageError):
        login.portal_url(text)


@pytest.mark.parametrize(
    ("url", "is_open"),
    [("http://ml.example.org", True), ("https://ml.example.org", False), ("http://127.0.0.1:8000", False)],
)
def test_what_others_can_read(url: str, is_open: bool) -> None:
    assert login.is_open(url) == is_open
