"""One revision of a Git repository, without a working copy: nothing of it is run, linked, filtered or checked out."""

import os
import re
import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.sources import tree, watched
from experiments.sources.address import Repository
from experiments.sources.refusals import git_unusable, not_fetched, path_missing, revision_malformed
from mlplatform.kernel import archive
from mlplatform.kernel.errors import TooLarge, Unavailable

SECONDS = 60
# The first git that connects to the addresses that were checked (http.curloptResolve); older ones ignore the setting.
OLDEST = (2, 37)
# Beside the files that are taken a repository may have others, in other folders.
TRANSFER = 4
LISTING_BYTES = 4 * 2**20
SMALL_BYTES = 2**20
REVISION = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_./@+#-]*")
MAX_REVISION = 200
MAX_PATH = 200


@dataclass(frozen=True)
class Snapshot:
    """The files of a commit."""

    commit: str
    files: dict[str, bytes]


def check(revision: str, path: str) -> None:
    """Raise InvalidInput(field="git_revision" or "git_path") for what git must not even be asked."""
    if revision and (len(revision) > MAX_REVISION or ".." in revision or not REVISION.fullmatch(revision)):
        raise revision_malformed(revision)
    if len(path) > MAX_PATH or archive.name_problem(path):
        raise path_missing(path, "this commit")


def fetch(
    repository: Repository,
    *,
    addresses: Sequence[str],
    revision: str = "",
    path: str = "",
    max_bytes: int,
    max_files: int,
) -> Snapshot:
    """Fetch a branch, tag or full commit id (empty: the default branch); `path` takes one folder of it only.

    Takes up to a minute. Raises InvalidInput, TooLarge or Unavailable, which name what git said and the remedy.
    """
    check(revision, path)
    with tempfile.TemporaryDirectory(prefix="mlp-git-") as folder:
        git = _Git(Path(folder), repository, addresses)
        try:
            commit = git.fetch(revision, TRANSFER * max_bytes)
            entries = tree.entries(git.listing(commit, path), max_bytes=max_bytes, max_files=max_files)
            return Snapshot(commit, git.contents(entries))
        except watched.OutOfTimeError:
            raise Unavailable(
                f"{repository.url} took longer than {SECONDS} s. Try again, or upload a .zip.",
                field="git_url",
            ) from None
        except watched.OutOfSpaceError:
            raise TooLarge(
                f"{repository.url} sends more than {TRANSFER * max_bytes // 2**20} MiB for one revision, or lists too "
                "many files. Upload a .zip with the code alone.",
                field="git_url",
            ) from None


class _Git:
    """git in a folder of its own, with one deadline for all its calls."""

    def __init__(self, folder: Path, repository: Repository, addresses: Sequence[str]) -> None:
        self._folder = folder
        self._repository = repository
        self._program = shutil.which("git") or ""
        self._deadline = time.monotonic() + SECONDS
        pinned = f"{repository.host}:{repository.port}:{','.join(map(_bracketed, addresses))}"
        self._settings = {
            "http.curloptResolve": pinned,
            "http.followRedirects": "false",
            "http.lowSpeedLimit": "1000",
            "http.lowSpeedTime": "20",
            "credential.helper": "",
            "core.hooksPath": os.devnull,
            "fetch.recurseSubmodules": "false",
            "gc.auto": "0",
            "maintenance.auto": "false",
            "pack.threads": "1",
        }
        # The whole of it: no settings, keys, proxies, certificates or tokens of whoever runs the portal.
        self._environment = {
            "PATH": os.defpath,
            "HOME": str(folder),
            "LC_ALL": "C",
            "GIT_DIR": str(folder / "repository"),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_ATTR_NOSYSTEM": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_ALLOW_PROTOCOL": repository.scheme,
        }

    def fetch(self, revision: str, max_bytes: int) -> str:
        """The commit's id, once it is here."""
        self._check_version()
        self._call("init", "--quiet", "--bare", "--template=", str(self._folder / "repository"))
        options = ("--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules", "--no-auto-gc")
        outcome = self._call(
            *("fetch", *options, "--", self._repository.url, revision or "HEAD"), max_bytes=max_bytes
        )
        if outcome.code == 0:
            outcome = self._call("rev-parse", "--verify", "FETCH_HEAD^{commit}")
        if outcome.code:
            raise not_fetched(self._repository.url, revision, _text(outcome.stderr))
        return _text(outcome.stdout).strip()

    def listing(self, commit: str, path: str) -> bytes:
        """Its files, as `git ls-tree` tells them."""
        outcome = self._call(
            *("ls-tree", "-r", "-z", "--long", f"{commit}:{path.strip('/')}"), max_bytes=LISTING_BYTES
        )
        if outcome.code:
            raise path_missing(path, commit[:12])
        return outcome.stdout.read_bytes()

    def contents(self, entries: Sequence[tree.Entry]) -> dict[str, bytes]:
        """The bytes of the files."""
        wanted = self._folder / "wanted"
        wanted.write_text("".join(f"{entry.object_id}\n" for entry in entries))
        room = sum(entry.size + 100 for entry in entries)
        outcome = self._call("cat-file", "--batch", stdin=wanted, max_bytes=room + SMALL_BYTES)
        with outcome.stdout.open("rb") as batch:
            return tree.contents(batch, entries)

    def _check_version(self) -> None:
        if not self._program:
            raise git_unusable("not installed", OLDEST)
        said = _text(self._call("version").stdout)
        version = re.search(r"(\d+)\.(\d+)", said)
        if version is None or (int(version[1]), int(version[2])) < OLDEST:
            raise git_unusable(f"too old ({said.strip() or 'no version'})", OLDEST)

    def _call(
        self, *arguments: str, max_bytes: int = SMALL_BYTES, stdin: Path | None = None
    ) -> watched.Outcome:
        """Run git; it may add `max_bytes` to its folder."""
        settings = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        return watched.run(
            [self._program, *settings, *arguments],
            folder=self._folder,
            environment=self._environment,
            deadline=self._deadline,
            max_bytes=watched.size(self._folder) + max_bytes,
            stdin=stdin,
        )


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _text(path: Path) -> str:
    return path.read_bytes()[-SMALL_BYTES:].decode(errors="replace")
