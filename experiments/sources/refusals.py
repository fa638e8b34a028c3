"""What a person is told when git says no: which value, git's own words, and what to do."""

from mlplatform.kernel.errors import InvalidInput, Unavailable

MAX_SAID = 300
# What git (in English, LC_ALL=C) or a server says, and what helps.
NO_REVISION = ("couldn't find remote ref", "not our ref", "no such remote ref", "unadvertised object")
PRIVATE = (
    "could not read username",
    "authentication failed",
    "not found",
    "error: 401",
    "error: 403",
    "error: 404",
)
REDIRECT = ("redirect", "error: 301", "error: 302", "error: 307", "error: 308")
OLD_SERVER = ("dumb http",)
UNKNOWN_AUTHORITY = ("certificate",)


def not_fetched(url: str, revision: str, stderr: str) -> InvalidInput:
    """The fetch failed; `stderr` is all that git said."""
    said = words(stderr)
    lower = said.lower()
    if any(sign in lower for sign in NO_REVISION) or "^{commit}" in lower:
        name = revision or "HEAD"
        return InvalidInput(
            f"{url} has no revision {name!r} (git: {said}). Name a branch, a tag, or all 40 digits of a commit.",
            field="git_revision",
        )
    if any(sign in lower for sign in REDIRECT):
        remedy = "The server sends us elsewhere, which is not followed; use the final address."
    elif any(sign in lower for sign in UNKNOWN_AUTHORITY):
        remedy = "An administrator can add its authority to the certificates of the portal's machine."
    elif any(sign in lower for sign in PRIVATE):
        remedy = "It is private or not there. Only public repositories are fetched; for others upload a .zip."
    elif any(sign in lower for sign in OLD_SERVER):
        remedy = "The server cannot send a single revision; upload a .zip."
    else:
        remedy = "Check the URL and try again, or upload a .zip."
    return InvalidInput(f"{url} was not fetched (git: {said}). {remedy}", field="git_url")


def revision_malformed(revision: str) -> InvalidInput:
    """Not even git is asked for this."""
    return InvalidInput(
        f"{revision[:100]!r} is not a revision. Name a branch, a tag, or all 40 digits of a commit.",
        field="git_revision",
    )


def path_missing(path: str, commit: str) -> InvalidInput:
    """There is no such folder."""
    return InvalidInput(
        f"There is no folder {path[:200]!r} in {commit}. Name one relative to the top of the repository, such as "
        "training/digits, or leave it empty.",
        field="git_path",
    )


def git_unusable(why: str, oldest: tuple[int, int]) -> Unavailable:
    """The portal's machine has no git that can be used."""
    return Unavailable(
        f"git is {why} on the portal's machine, so nothing can be fetched. An administrator can install git "
        f"{oldest[0]}.{oldest[1]} or newer; until then, upload a .zip.",
        field="git_url",
    )


def words(stderr: str) -> str:
    """The last of what git said, on one line and without control characters."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    told = [line for line in lines if line.startswith(("fatal:", "error:", "remote:"))] or lines
    text = " ".join(told[-3:])
    return "".join(letter for letter in text if letter.isprintable())[-MAX_SAID:] or "nothing"
