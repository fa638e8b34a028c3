"""Everybody who may ask, and what each of them is answered."""

from collections.abc import Mapping
from dataclasses import dataclass

# Answers of the pages and of the API to who is nobody: a redirect to the sign-in page, or 401.
NOBODY = "sign in"
DONE = "done"
UNSEEN = "404"
REFUSED = "403"
WRONG_METHOD = "405"
ROLES = ("viewer", "editor", "owner")
LEAST = {"view": "viewer", "launch": "editor", "control": "editor", "manage": "owner"}
SAFE = ("GET", "HEAD")
# Of who is asked for nothing.
OPEN = {"public": DONE, "secret": UNSEEN}


@dataclass(frozen=True)
class Caller:
    """Somebody at the door. `role`: in the project, as far as what they show opens it."""

    name: str
    role: str = ""
    # A person at a browser, or a token that is good.
    is_known: bool = True
    is_token: bool = False
    is_read_only: bool = False
    is_whole: bool = True
    is_staff: bool = False
    is_admin: bool = False
    # The person who made the project's token.
    is_maker: bool = False
    is_job: bool = False


def _token(name: str, role: str = "", **more: bool) -> Caller:
    return Caller(name, role, is_token=True, **{"is_whole": False, **more})


CALLERS = (
    Caller("anonymous", is_known=False),
    Caller("stranger"),
    Caller("viewer", "viewer"),
    Caller("editor", "editor"),
    Caller("owner", "owner", is_maker=True),
    Caller("staff", is_staff=True),
    Caller("site admin", "owner", is_staff=True, is_admin=True),
    _token("project token, read", "viewer", is_read_only=True, is_maker=True),
    _token("project token, write", "editor", is_maker=True),
    _token("project token, admin", "owner", is_maker=True),
    _token("token of another project", is_maker=True),
    _token("expired token", is_known=False),
    _token("owner's token, read", "viewer", is_read_only=True, is_maker=True),
    _token("owner's token, admin", "owner", is_maker=True, is_whole=True),
    _token("site admin's token, write"),
    Caller("job", is_known=False, is_job=True),
)
# For what nobody has: a method that a URL does not have says so to everybody alike.
FEW = ("anonymous", "site admin", "project token, read")
# A HEAD is a GET without its content.
AT_HEAD = (*FEW, "stranger", "job")
# No page looks at a token, so one that could do everything elsewhere stands for all of them.
AT_PAGES = (
    "anonymous",
    "stranger",
    "viewer",
    "editor",
    "owner",
    "staff",
    "site admin",
    "owner's token, admin",
)


def is_api(name: str) -> bool:
    """Whether the URL is not a page."""
    return name.startswith(("api_", "harness_")) and name != "api_docs"


def asking(name: str, methods: Mapping[str, str], method: str) -> list[Caller]:
    """Who is sent to a URL: all whose answers could differ."""
    if method in methods:
        names = [caller.name for caller in CALLERS]
    else:
        names = [*(AT_HEAD if method == "HEAD" and "GET" in methods else FEW)]
    return [
        caller for caller in CALLERS if caller.name in names and (is_api(name) or caller.name in AT_PAGES)
    ]


def expected(name: str, methods: Mapping[str, str], method: str, caller: Caller) -> str:
    """The answer; `methods` are those of the URL, with who may use each."""
    code = methods.get("GET" if method == "HEAD" else method)
    if code is None and (not is_api(name) or OPEN.keys() >= set(methods.values())):
        # Pages look at the method first, and so does what asks nobody who they are.
        return WRONG_METHOD
    if code in OPEN:
        return OPEN[code]
    if not _is_known(name, caller):
        return NOBODY
    if code is None:
        return WRONG_METHOD
    return DONE if code == "job" else _of_known(code, method, caller)


def _is_known(name: str, caller: Caller) -> bool:
    """Whether it takes what they show."""
    if name.startswith("harness_"):
        return caller.is_job
    return caller.is_known and (is_api(name) or not caller.is_token)


def _of_known(code: str, method: str, caller: Caller) -> str:
    """Of a person, or of a token that is good."""
    right, _, more = code.partition("-")
    is_seen = {
        "token": caller.is_token,
        "own": caller.is_maker or not caller.is_whole,
        "asked": caller.is_admin or (caller.is_maker and bool(caller.role)),
        "staff": caller.is_staff,
        **dict.fromkeys(LEAST, bool(caller.role)),
    }.get(right, True)
    if code == "token":
        return DONE if is_seen else NOBODY
    if caller.is_read_only and method not in SAFE:
        return REFUSED
    if not is_seen:
        return UNSEEN
    is_enough = right not in LEAST or ROLES.index(caller.role) >= ROLES.index(LEAST[right])
    if right == "admin":
        return DONE if caller.is_admin else REFUSED
    takes_whole = "whole" in (right, more) or right == "own"
    return DONE if is_enough and (caller.is_whole or not takes_whole) else REFUSED
