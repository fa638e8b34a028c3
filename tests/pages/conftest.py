"""Every page of the portal in Chromium, without a stack: one web process, and rows."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.core.management import call_command
from django.test import Client, override_settings
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright
from pytest_django import DjangoDbBlocker

from accounts.models import User
from tests.pages.places import Place, admin_places, places
from tests.pages.portal import WebAlone, web_alone
from tests.pages.seed import Seeded, seed

AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) Version/18.5 Mobile/15E148 Safari/604.1",
)
WIDE = {"width": 1440, "height": 900}


@dataclass(frozen=True)
class Portal:
    """Where it is served, and what it has."""

    web: WebAlone
    seeded: Seeded
    places: list[Place]
    admin_places: list[Place]
    sessions: dict[str, str]

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.web.url


class Visitor:
    """A browser in front of the portal. What goes wrong on its pages is kept in `errors`."""

    def __init__(self, portal: Portal, browser: Browser) -> None:
        self.portal = portal
        self.errors: list[str] = []
        self._browser = browser

    def open(self, who: User | None, *, scripts: bool = True) -> Page:
        """A page of somebody's own profile, signed in."""
        context = self._browser.new_context(
            base_url=self.portal.url,
            viewport=WIDE,  # type: ignore[arg-type]  # a TypedDict
            java_script_enabled=scripts,
            reduced_motion="reduce",
        )
        if who:
            port = self.portal.url.rpartition(":")[2]
            session = self.portal.sessions[who.username]
            context.add_cookies([{"name": f"mlp_session_{port}", "value": session, "url": self.portal.url}])
        page = context.new_page()
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        return page

    def place(self, name: str) -> Place:
        """The page of this name."""
        [found] = [place for place in self.portal.places if place.name == name]
        return found

    def _note(self, message: ConsoleMessage) -> None:
        # Chromium logs the answer of a page that does not exist, or that says no, which is what such a page is.
        is_answer = any(f"status of {status}" in message.text for status in (401, 404))
        if message.type == "error" and not is_answer:
            self.errors.append(message.text)


@pytest.fixture(scope="module")
def portal(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Portal]:
    """One for all tests of a module: they look and change nothing."""
    folder = tmp_path_factory.mktemp("pages")
    with django_db_blocker.unblock(), override_settings(STORAGE=str(folder / "storage")):
        try:
            seeded = seed()
            sessions = {who.username: session_of(who) for who in seeded.people}
            with web_alone(folder) as web:
                yield Portal(web, seeded, list(places(seeded)), list(admin_places(seeded)), sessions)
        finally:
            call_command("flush", interactive=False, verbosity=0)


@pytest.fixture
def visitor(portal: Portal, chromium: str) -> Iterator[Visitor]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield (found := Visitor(portal, browser))
        browser.close()
    assert found.errors == []


def session_of(who: User) -> str:
    """The cookie of somebody who has signed in.

    With a password, which was just confirmed: by the clock of whoever asks, for the next hour.
    """
    client = Client()
    client.force_login(who)
    session = client.session
    session["account_authentication_methods_user"] = str(who.pk)
    session["account_authentication_methods"] = [
        {"method": "password", "at": time.time() + 3600, "reauthenticated": True}
    ]
    session.save()
    for number, agent in enumerate(AGENTS):
        key = session.session_key if number == 0 else _another_session(who)
        UserSession.objects.create(user=who, ip=f"192.0.2.{number + 1}", user_agent=agent, session_key=key)
    return client.cookies[settings.SESSION_COOKIE_NAME].value


def _another_session(who: User) -> str:
    client = Client()
    client.force_login(who)
    return str(client.session.session_key)
