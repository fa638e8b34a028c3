"""Taking training code in from a Git repository."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings

from accounts.models import Project, User
from accounts.permissions import require
from experiments.models import Bundle
from experiments.services.bundles import bundle_store
from experiments.sources import address, git
from mlplatform.kernel.errors import Unavailable

# Each may hold a thread, a database connection and some hundred megabytes of disk for a minute.
AT_A_TIME = 2
_slots = threading.BoundedSemaphore(AT_A_TIME)


def bundle_from_git(*, user: User, project: Project, url: str, revision: str = "", path: str = "") -> Bundle:
    """Bundle of one revision (branch, tag or full commit id; empty: the default branch), or of one folder of it.

    Takes up to a minute, and is refused while others fetch. Nothing of the repository is run here. Raises InvalidInput,
    TooLarge or Unavailable with field="git_url", "git_revision" or "git_path", or field="code" for what the files are.
    """
    require(user, "launch", project)
    repository = address.parse(url, settings.GIT_HOSTS)
    revision, path = revision.strip(), path.strip().strip("/")
    git.check(revision, path)
    with _slot():
        found = git.fetch(
            repository,
            addresses=address.resolve(repository),
            revision=revision,
            path=path,
            max_bytes=settings.MAX_BUNDLE_BYTES,
            max_files=settings.MAX_BUNDLE_FILES,
        )
    source = {
        "kind": "git",
        "url": repository.url,
        "revision": revision,
        "path": path,
        "commit": found.commit,
    }
    name = path.rpartition("/")[2] or repository.name
    return bundle_store(user=user, project=project, name=name, files=found.files, source=source)


@contextmanager
def _slot() -> Iterator[None]:
    if not _slots.acquire(blocking=False):
        raise Unavailable(
            f"The portal fetches from {AT_A_TIME} repositories already; try again in a minute.",
            field="git_url",
        )
    try:
        yield
    finally:
        _slots.release()
