from typing import Any

import pytest

from accounts.models import AuditEvent, Project, User
from experiments.models import Bundle
from experiments.services import git_bundles
from experiments.services.bundles import bundle_files, bundle_from_upload
from experiments.services.git_bundles import bundle_from_git
from mlplatform.kernel.archive import pack
from mlplatform.kernel.errors import Forbidden, InvalidInput, NotFound, Unavailable
from tests.fixtures import CODE
from tests.servers.git import GitServer, Repository


@pytest.fixture(autouse=True)
def trusted(server: GitServer, settings: Any) -> None:
    settings.GIT_HOSTS = {server.host}


def test_the_commit_is_kept_with_the_code(
    owner: User, project: Project, server: GitServer, repository: Repository
) -> None:
    commit = repository.publish()
    url = f"{server.url}/code.git"
    bundle = bundle_from_git(user=owner, project=project, url=f" {url} ", revision=" main ", path="/deep/er/")
    assert bundle_files(bundle) == {"train.py": CODE, "note.txt": b"a note"}
    assert bundle.source == {
        "kind": "git",
        "url": url,
        "revision": "main",
        "path": "deep/er",
        "commit": commit,
    }
    assert bundle.name == "er"
    assert bundle.source_words == f"{server.host}/code deep/er @ {commit[:10]}"
    assert AuditEvent.objects.get(verb="bundle.create").detail["source"]["commit"] == commit


def test_one_bundle_per_commit_though_the_files_are_the_same(
    owner: User, project: Project, server: GitServer, repository: Repository
) -> None:
    """An experiment names the commit that was asked for, not another one that happened to hold the same files."""

    def fetch() -> Bundle:
        return bundle_from_git(user=owner, project=project, url=f"{server.url}/code.git", path="deep/er")

    first = fetch()
    assert fetch() == first
    repository.commit({"readme.md": b"new"})
    second = fetch()
    uploaded = bundle_from_upload(
        user=owner,
        project=project,
        filename="er.zip",
        content=pack({"train.py": CODE, "note.txt": b"a note"}),
    )
    assert len({first.pk, second.pk, uploaded.pk}) == 3
    assert first.key == second.key == uploaded.key


def test_what_is_wrong_with_the_code_is_said_like_for_an_upload(
    owner: User, project: Project, server: GitServer
) -> None:
    Repository(server.folder, "bad").commit({"train.py": b"def train(config:"})
    with pytest.raises(InvalidInput, match="line 1") as caught:
        bundle_from_git(user=owner, project=project, url=f"{server.url}/bad.git")
    assert caught.value.field == "code"
    assert not Bundle.objects.exists()


def test_an_address_inside_is_not_asked(
    owner: User, project: Project, server: GitServer, settings: Any
) -> None:
    settings.GIT_HOSTS = frozenset()
    with pytest.raises(InvalidInput, match="MLP_GIT_HOSTS"):
        bundle_from_git(user=owner, project=project, url=f"https://{server.host}/code.git")
    assert not server.asked


def test_too_many_at_a_time_are_busy_and_every_end_makes_room(
    owner: User, project: Project, server: GitServer, repository: Repository
) -> None:
    def fetch(url: str) -> Bundle:
        return bundle_from_git(user=owner, project=project, url=url)

    for _ in range(git_bundles.AT_A_TIME + 1):
        with pytest.raises(InvalidInput):
            fetch(f"{server.url}/none.git")
    with git_bundles._slot(), git_bundles._slot(), pytest.raises(Unavailable, match="try again") as caught:
        fetch(f"{server.url}/code.git")
    assert caught.value.field == "git_url"
    assert fetch(f"{server.url}/code.git").files


def test_who_may(
    *, owner: User, viewer: User, stranger: User, project: Project, server: GitServer, repository: Repository
) -> None:
    for user, error in ((viewer, Forbidden), (stranger, NotFound)):
        with pytest.raises(error):
            bundle_from_git(user=user, project=project, url=f"{server.url}/code.git")
    assert not server.asked
