"""Where training code comes from: a file, a folder, an example or a Git repository."""

import re
from pathlib import Path

from mlplatform.cli.client import Json, PortalClient
from mlplatform.cli.errors import UsageError

EXAMPLE = "example:"
GIT = re.compile(r"(?P<url>https?://[^/]+/[^@#]+)(?:@(?P<revision>[^#]+))?(?:#(?P<path>.+))?")
HELP = (
    "a .py, a .zip, a folder, example:NAME, or a Git URL such as https://host/team/code.git@v1.2 "
    "(a branch, tag or commit after the @; #folder for a part of it)"
)


def bundle_of(portal: PortalClient, project: str, code: str) -> Json:
    """Put the code into the project; what the portal says of it. Raises UsageError if there is no such file."""
    if code.startswith(EXAMPLE):
        return portal.bundle_from_example(project, code.removeprefix(EXAMPLE))
    if found := GIT.fullmatch(code):
        return portal.bundle_from_git(
            project, **{name: part or "" for name, part in found.groupdict().items()}
        )
    path = Path(code).expanduser()
    if not path.exists():
        raise UsageError(f"{code} is no file or folder here. CODE is {HELP}.")
    return portal.bundle(project, path)
