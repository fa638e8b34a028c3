"""requirements.txt of a bundle: plain requirements only, for these are installed where the code runs."""

from collections.abc import Mapping, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from mlplatform.kernel.errors import InvalidInput

FILE_NAME = "requirements.txt"
ARCHIVES = (".whl", ".zip", ".tar", ".gz", ".bz2", ".xz")
MAX_LINES = 100
MAX_CHARACTERS = 500


def parse(content: bytes) -> list[str]:
    """The requirements, one a line, without comments.

    Raises InvalidInput(field="code") naming the line for all that is not name, extras, versions and markers: options
    of pip, URLs and paths would take code from places that nobody has checked or that a worker does not have.
    """
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"{FILE_NAME} is not UTF-8 text: {error}.", field="code") from error
    found = [
        _requirement(number, text) for number, line in enumerate(lines, 1) if (text := _without_comment(line))
    ]
    if len(found) > MAX_LINES:
        raise InvalidInput(
            f"{FILE_NAME} names {len(found)} packages; at most {MAX_LINES} are installed. Leave out what others bring "
            "along.",
            field="code",
        )
    return found


def refuse_another_ray(required: Sequence[str], installed: Mapping[str, str]) -> None:
    """Raise InvalidInput(field="code") if Ray is asked for in another version than the installed one."""
    if wanted := _conflict(required, "ray", installed):
        raise InvalidInput(
            f"{FILE_NAME} asks for {wanted}, but the cluster has ray {installed['ray']}, and a worker with another "
            "version of Ray cannot join it. Leave ray out: the cluster's own is there.",
            field="code",
        )


def warnings(required: Sequence[str], installed: Mapping[str, str]) -> list[str]:
    """What works, but costs more than its author may expect."""
    wanted = _conflict(required, "torch", installed)
    words = (
        f"{FILE_NAME} asks for {wanted}, but the cluster has torch {installed.get('torch')}: before the first run Ray "
        "builds an environment with the other version on every node, which takes minutes and gigabytes. To train with "
        "the cluster's own, leave torch out."
    )
    return [words] if wanted else []


def _conflict(required: Sequence[str], name: str, installed: Mapping[str, str]) -> str:
    """The requirement of this name that the installed version does not meet, empty if there is none."""
    version = installed.get(name, "")
    for text in required if version else ():
        one = Requirement(text)
        applies = one.marker is None or one.marker.evaluate()
        if (
            canonicalize_name(one.name) == name
            and applies
            and not one.specifier.contains(version, prereleases=True)
        ):
            return text
    return ""


def _without_comment(line: str) -> str:
    return "" if line.lstrip().startswith("#") else line.partition(" #")[0].strip()


def _requirement(number: int, text: str) -> str:
    if text.startswith("-"):
        raise _bad(number, text, "options of pip are not taken; name the packages themselves")
    if len(text) > MAX_CHARACTERS:
        raise _bad(number, text, f"it is longer than {MAX_CHARACTERS} characters")
    # pip replaces ${NAME} by a variable of the machine.
    if " --" in text or "$" in text or text.endswith("\\"):
        raise _bad(number, text, "options, variables and continued lines are not taken; write name==version")
    try:
        requirement = Requirement(text)
    except InvalidRequirement as error:
        reason = str(error).splitlines()[0]
        raise _bad(number, text, f"{reason}; write a package of the index, such as name==1.2") from error
    if requirement.url or requirement.name.lower().endswith(ARCHIVES):
        raise _bad(number, text, "URLs and paths are not taken; put that code into the bundle")
    return str(requirement)


def _bad(number: int, text: str, problem: str) -> InvalidInput:
    return InvalidInput(f"{FILE_NAME}, line {number}: {text[:120]!r}: {problem}.", field="code")
