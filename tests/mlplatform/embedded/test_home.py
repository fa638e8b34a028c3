import os
import stat
from pathlib import Path

import pytest

from mlplatform.embedded.errors import AlreadyRunning, StackError
from mlplatform.embedded.home import Home

LONGEST_SOCKET_PATH = 107


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home")


def test_the_variable_names_the_folder(tmp_path: Path) -> None:
    assert Home.locate({"MLP_HOME": str(tmp_path / "x")}).root == tmp_path / "x"


def test_without_it_the_users_data_folder_is_taken(tmp_path: Path) -> None:
    assert Home.locate({"XDG_DATA_HOME": str(tmp_path)}).root == tmp_path / "mlplatform"
    assert Home.locate({}).root == Path("~/.local/share/mlplatform").expanduser().resolve()


def test_folders_are_private(home: Home) -> None:
    home.create()
    folders = [home.root, home.runtime, *(path for path in home.root.iterdir() if path.is_dir())]
    assert {mode(folder) for folder in folders} == {0o700}


def test_a_folder_that_was_open_is_closed(home: Home) -> None:
    home.root.mkdir(mode=0o755)
    home.create()
    assert mode(home.root) == 0o700


def test_creating_twice_keeps_everything(home: Home) -> None:
    home.create()
    secret = home.secret("secret_key").read_text()
    home.create()
    assert home.secret("secret_key").read_text() == secret


def test_secrets_are_private_random_and_stable(home: Home) -> None:
    home.create()
    one, other = home.secret("secret_key"), home.secret("ray_token")
    assert mode(one) == 0o600
    assert len(one.read_text()) >= 32
    assert one.read_text() != other.read_text()
    assert home.secret("secret_key").read_text() == one.read_text()


def test_socket_paths_are_short_however_long_the_home_is(tmp_path: Path) -> None:
    home = Home(tmp_path / ("long" * 40))
    raylet = "ray/session_2026-11-22_10-16-27_123456_1234567/sockets/plasma_store.12345"
    assert len(str(home.runtime / raylet)) < LONGEST_SOCKET_PATH


def test_ray_writes_into_the_home(home: Home) -> None:
    home.create()
    assert (home.runtime / "ray").resolve() == home / "ray"


def test_refreshing_makes_the_runtime_folder_young(home: Home) -> None:
    home.create()
    link = home.runtime / "ray"
    for path in (link, home.runtime):
        os.utime(path, (1, 1), follow_symlinks=False)
    home.refresh()
    assert min(link.lstat().st_mtime, home.runtime.stat().st_mtime) > 1


def test_a_prepared_runtime_folder_is_refused(home: Home, tmp_path: Path) -> None:
    home.runtime.symlink_to(tmp_path)
    with pytest.raises(StackError, match=r"is not ours.*TMPDIR"):
        home.create()
    home.runtime.unlink()


def test_a_second_owner_is_told_about_the_first(home: Home) -> None:
    home.create()
    with home.locked() as lock:
        lock.announce("http://127.0.0.1:8000")
        with (
            pytest.raises(AlreadyRunning, match=f"process {os.getpid()}.*http://127.0.0.1:8000.*stop"),
            home.locked(),
        ):
            pass


def test_a_second_owner_is_told_that_the_first_is_starting(home: Home) -> None:
    home.create()
    with home.locked(), pytest.raises(AlreadyRunning, match="starting up"), home.locked():
        pass


def test_the_lock_ends_with_its_block(home: Home) -> None:
    assert not home.is_running()
    home.create()
    with home.locked() as lock:
        lock.announce("http://x")
        assert home.is_running()
        assert home.owner()["pid"] == os.getpid()
    assert not home.is_running()
    assert home.owner() == {}


def test_an_owner_that_was_killed_is_forgotten(home: Home) -> None:
    home.create()
    home.lock_file.write_text('{"pid": 1, "portal_url": "http://old"}')
    with home.locked():
        assert home.owner() == {}


def test_a_broken_lock_file_says_nothing(home: Home) -> None:
    home.create()
    home.lock_file.write_text("{")
    assert home.owner() == {}
