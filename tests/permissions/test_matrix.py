"""Every URL × method × caller against the table; every URL has a line in it, and every line a URL."""

import logging
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.core.cache import cache
from django.db import transaction
from django.http import HttpResponseBase, StreamingHttpResponse
from django.test import Client
from django.urls import resolve

from experiments.tracking.registry import tracking_store
from tests.permissions.callers import AT_PAGES, CALLERS, DONE, NOBODY, WRONG_METHOD, asking, expected
from tests.permissions.table import ADMINISTRATION, ALLAUTH, ENTRANCES, OLD, SAID, lines
from tests.permissions.world import PART, World, build, urls

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
TABLE = lines()
AT_DOOR = [caller for caller in CALLERS if caller.name in AT_PAGES]
ROUTES = {name: route for name, route in urls() if name}
# A part of a route that is a regular expression.
GROUP = re.compile(r"\(\?P<\w+>.*?\)")
SIGN_IN = ("/accounts/login/", "/admin/login/")
TYPES = {True: "application/json", False: "application/x-www-form-urlencoded"}


@pytest.fixture
def world(db: None, settings: Any) -> Iterator[World]:
    """What a request changes there is undone after it."""
    settings.TRACKING_STORE = "tests.permissions.world.Tracker"
    tracking_store.cache_clear()
    yield build()
    tracking_store.cache_clear()


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of requests are refused."""
    logging.disable(logging.ERROR)
    yield
    logging.disable(logging.NOTSET)


def ask(client: Client, method: str, path: str, name: str = "") -> str:
    """What is answered, in a word; nothing stays of it."""
    query, form = SAID.get(name, ("", ""))
    is_json = "/v1/" in path
    with transaction.atomic():
        response = client.generic(
            method, path, "{}" if is_json else form, TYPES[is_json], query_params=dict(parse_qsl(query))
        )
        transaction.set_rollback(True)
    return _word(response)


def _word(response: HttpResponseBase) -> str:
    status = response.status_code
    if isinstance(response, StreamingHttpResponse):
        # Its end gives back what it holds.
        b"".join(response)
    if status == 401 or (status == 302 and response["Location"].startswith(SIGN_IN)):
        return NOBODY
    # Whether what was sent makes sense is not asked here.
    return DONE if status < 400 or status in (400, 409) else str(status)


def is_ours(name: str, route: str) -> bool:
    return not (name.startswith((ADMINISTRATION, *ALLAUTH)) or (not name and route.startswith(OLD)))


def test_every_url_has_a_line_and_every_line_a_url() -> None:
    line = "tests/permissions/table.py"
    told = [
        f"{name or 'A URL without a name'} ({route}) has no line in {line}"
        for name, route in urls()
        if is_ours(name, route) and name not in TABLE
    ]
    told += [
        f"{name} has a line in {line}, but there is no such URL" for name in TABLE.keys() - ROUTES.keys()
    ]
    assert not told, "\n".join(told)


def test_everybody_gets_what_the_table_says(world: World) -> None:
    wrong = []
    for name in TABLE.keys() & ROUTES.keys():
        path = world.path(ROUTES[name])
        for method in METHODS:
            # Signing in is limited by address.
            cache.clear()
            for caller in asking(name, TABLE[name], method):
                found = ask(world.clients[caller.name], method, path, name)
                due = expected(name, TABLE[name], method, caller)
                if found != due:
                    wrong.append(f"{name}: {method} {path} as {caller.name}: {found}, not {due}")
    if wrong:
        pytest.fail("\n".join(sorted(wrong)), pytrace=False)


def test_only_staff_enter_the_administration(world: World) -> None:
    """All others are sent to sign in, whatever they came for; a token, of whoever it is, opens nothing there."""
    wrong = []
    for name, path in others(ADMINISTRATION):
        if name in ("admin:login", "admin:logout"):
            continue
        for method in ("GET", "POST"):
            for caller in AT_DOOR:
                found = ask(world.clients[caller.name], method, path)
                if caller.is_staff == (found == NOBODY) or found.startswith("5"):
                    wrong.append(f"{name}: {method} {path} as {caller.name}: {found}")
    if wrong:
        pytest.fail("\n".join(sorted(wrong)), pytrace=False)


def test_pages_about_the_account_want_somebody_signed_in(world: World) -> None:
    """Of those that do not, none breaks. No token opens one."""
    wrong = []
    for name, path in others(ALLAUTH):
        for method in ("GET", "POST"):
            cache.clear()
            for caller in AT_DOOR:
                found = ask(world.clients[caller.name], method, path)
                is_nobody = (not caller.is_known or caller.is_token) and name not in ENTRANCES.split()
                if found.startswith("5") or (is_nobody and found not in (NOBODY, WRONG_METHOD)):
                    wrong.append(f"{name}: {method} {path} as {caller.name}: {found}")
    if wrong:
        pytest.fail("\n".join(sorted(wrong)), pytrace=False)


def others(beginnings: str | tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Names and addresses of pages that are not ours."""
    found = [(name, route) for name, route in urls() if name.startswith(beginnings)]
    assert found
    for name, route in found:
        path = "/" + PART.sub("1", GROUP.sub("1", route)).rstrip("$").replace("^", "")
        # One of ours may stand before it.
        if resolve(path).view_name == name:
            yield name, path
