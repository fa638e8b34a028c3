import contextlib
import secrets
import socket
from pathlib import Path
from typing import Any

import pytest

from experiments.sources import git, watched
from experiments.sources.address import Repository as Address
from experiments.sources.address import parse, resolve
from mlplatform.kernel.errors import InvalidInput, PlatformError, TooLarge, Unavailable
from tests.fixtures import CODE
from tests.servers.git import GitServer, Repository

FILES = {"train.py": CODE, "deep/er/train.py": CODE, "deep/er/note.txt": b"a note"}
LIMITS: dict[str, Any] = {"max_bytes": 2**20, "max_files": 10}


def address(server: GitServer, path: str = "/code.git") -> Address:
    return parse(f"{server.url}{path}", {server.host})


def fetch(server: GitServer, at: str = "/code.git", **options: Any) -> git.Snapshot:
    return git.fetch(address(server, at), addresses=["127.0.0.1"], **(LIMITS | options))


def refused(server: GitServer, at: str = "/code.git", **options: Any) -> PlatformError:
    with pytest.raises(PlatformError) as caught:
        fetch(server, at, **options)
    return caught.value


def test_the_default_branch_with_its_commit(server: GitServer, repository: Repository) -> None:
    commit = repository.publish()
    assert fetch(server) == git.Snapshot(commit, FILES)


def test_a_branch_a_tag_and_a_commit(server: GitServer, repository: Repository) -> None:
    first = repository.publish()
    repository.tag("v1.0")
    second = repository.commit({"train.py": CODE + b"# two\n"}, branch="feature/two")
    assert fetch(server, revision="main").commit == first
    assert fetch(server, revision="feature/two") == git.Snapshot(
        second, FILES | {"train.py": CODE + b"# two\n"}
    )
    assert fetch(server, revision="v1.0").commit == first
    assert fetch(server, revision=second).commit == second
    assert fetch(server, revision=first).commit == first


def test_only_the_newest_commit_travels(server: GitServer, repository: Repository) -> None:
    repository.commit({"old.bin": secrets.token_bytes(6 * 2**20)})
    (repository.work / "old.bin").unlink()
    commit = repository.commit({})
    assert fetch(server).commit == commit


def test_one_folder_alone(server: GitServer, repository: Repository) -> None:
    assert fetch(server, path="deep/er").files == {"train.py": CODE, "note.txt": b"a note"}
    assert fetch(server, path="deep/er/").files.keys() == {"train.py", "note.txt"}
    for missing in ("shallow", "train.py", "../deep", "/deep", "a:b", "x" * 300):
        error = refused(server, path=missing)
        assert error.field == "git_path"
        assert "There is no folder" in error.message


def test_bytes_are_as_committed(server: GitServer, repository: Repository) -> None:
    """Neither attributes nor filters nor line ends change them: nothing is checked out."""
    odd = {
        ".gitattributes": b"*.txt text eol=crlf export-subst\n*.bin filter=lfs\n",
        "x.txt": b"$Format:%H$\none\n",
        "empty": b"",
        "x.bin": bytes(range(256)) + b"\n\n",
        "späce name.txt": b"1",
    }
    repository.commit(odd)
    assert {name: content for name, content in fetch(server).files.items() if name in odd} == odd


def test_what_tools_leave_behind_is_not_taken(server: GitServer, repository: Repository) -> None:
    repository.commit({"__pycache__/train.pyc": b"1", "x/.venv/lib.py": b"1"})
    assert fetch(server).files == FILES


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"passwd": Path("/etc/passwd")}, "'passwd' is a link"),
        ({"back\\slash.py": b""}, "not portable"),
        ({"a:b": b""}, "not portable"),
        ({f"{number}.py": b"" for number in range(9)}, "12 files; at most 10"),
        ({"big.bin": b"0" * (2**20 + 1)}, "at most 1 MiB"),
    ],
)
def test_what_no_zip_may_hold_is_refused(
    server: GitServer, repository: Repository, files: dict[str, Any], words: str
) -> None:
    repository.commit(files)
    error = refused(server)
    assert words in error.message
    assert error.field == "git_url"
    assert fetch(server, path="deep/er").files.keys() == {"train.py", "note.txt"}


def test_a_submodule_is_refused_and_not_fetched(server: GitServer, repository: Repository) -> None:
    repository.link("vendor", repository.publish())
    assert "'vendor' is a submodule" in refused(server).message


@pytest.mark.parametrize("revision", ["nope", "0" * 40, "abc1234", "refs/heads/nope"])
def test_an_unknown_revision(server: GitServer, repository: Repository, revision: str) -> None:
    error = refused(server, revision=revision)
    assert error.field == "git_revision"
    assert f"no revision {revision!r} (git: " in error.message
    assert "all 40 digits" in error.message


@pytest.mark.parametrize(
    "revision", ["--upload-pack=x", "-x", "+main", "a b", "main:x", "a..b", "x\n", "^x", "é"]
)
def test_a_revision_that_is_none_never_reaches_git(
    server: GitServer, repository: Repository, revision: str
) -> None:
    assert refused(server, revision=revision).field == "git_revision"
    assert not server.asked


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/none.git", "private or not there"),
        ("/private/code.git", "private or not there"),
        ("/moved/code.git", "elsewhere, which is not followed"),
        ("/dumb/code.git", "cannot send a single revision"),
    ],
)
def test_a_server_that_does_not_serve(
    server: GitServer, repository: Repository, path: str, words: str
) -> None:
    error = refused(server, path)
    assert isinstance(error, InvalidInput)
    assert error.field == "git_url"
    assert f"{server.url}{path} was not fetched (git: " in error.message
    assert words in error.message
    if "moved" in path:
        assert all(asked.startswith("/moved/") for asked in server.asked)


def test_a_server_that_is_not_there(server: GitServer) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(InvalidInput, match="was not fetched"):
        git.fetch(
            parse(f"http://127.0.0.1:{port}/x", {f"127.0.0.1:{port}"}), addresses=["127.0.0.1"], **LIMITS
        )


def test_a_server_that_says_nothing_is_left(server: GitServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(git, "SECONDS", 0.3)
    error = refused(server, "/stuck/code.git")
    assert isinstance(error, Unavailable)
    assert "took longer than" in error.message


def test_a_transfer_that_does_not_end_is_cut(server: GitServer, repository: Repository) -> None:
    repository.commit({"big.bin": secrets.token_bytes(6 * 2**20)})
    error = refused(server, path="deep")
    assert isinstance(error, TooLarge)
    assert "more than 4 MiB" in error.message


def test_a_listing_that_does_not_end_is_cut(
    server: GitServer, repository: Repository, monkeypatch: Any
) -> None:
    monkeypatch.setattr(git, "LISTING_BYTES", 50)
    assert isinstance(refused(server), TooLarge)


def test_nothing_is_left_behind(
    server: GitServer, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    fetch(server)
    refused(server, "/none.git")
    monkeypatch.setattr(git, "SECONDS", 0.3)
    refused(server, "/stuck/code.git")
    assert list((tmp_path / "temporary").iterdir()) == []


def test_git_connects_to_the_addresses_that_were_checked(
    server: GitServer, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No name server knows this host; a second look-up, which might tell another address, would fail."""
    known = parse(
        f"http://git.example.invalid:{server.port}/code.git", {f"git.example.invalid:{server.port}"}
    )
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *arguments, **options: answer)
    assert git.fetch(known, addresses=resolve(known), **LIMITS).files == FILES


def test_settings_of_whoever_runs_the_portal_are_not_used(
    server: GitServer, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text(f'[url "file:///etc/"]\n\tinsteadOf = {server.url}\n')
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login ada password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_DIR", "/nonexistent")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert fetch(server).files == FILES


def test_https_is_verified(server: GitServer) -> None:
    """The server speaks no TLS, so nothing of it can be believed."""
    with pytest.raises(InvalidInput, match="was not fetched"):
        git.fetch(
            parse(f"https://127.0.0.1:{server.port}/code.git", {server.host}),
            addresses=["127.0.0.1"],
            **LIMITS,
        )
    assert not server.asked


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("", "not installed"),
        ("#!/bin/sh\necho git version 2.30.2\n", "too old"),
        ("#!/bin/sh\nexit 1\n", "no version"),
    ],
)
def test_without_a_git_that_can_be_used(
    server: GitServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, words: str
) -> None:
    (tmp_path / "bin").mkdir()
    if program:
        (tmp_path / "bin" / "git").write_text(program)
        (tmp_path / "bin" / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    error = refused(server)
    assert isinstance(error, Unavailable)
    assert words in error.message
    assert "2.37 or newer" in error.message
    assert not server.asked


def test_memory_is_bounded(tmp_path: Path) -> None:
    outcome = watched.run(
        ["/bin/sh", "-c", "ulimit -v"], folder=tmp_path, environment={}, deadline=1e12, max_bytes=1000
    )
    assert int(outcome.stdout.read_text()) <= watched.MEMORY_KIB
