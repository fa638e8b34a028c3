"""requirements.txt of a bundle: plain requirements only, for these are installed where the code runs."""

from packaging.requirements import InvalidRequirement, Requirement

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
