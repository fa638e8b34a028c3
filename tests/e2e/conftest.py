"""A person at a browser, in front of the embedded stack."""

import uuid
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from tests.stack import EmbeddedStack

# What Chromium would otherwise do by itself: look for updates, phone home, use the GPU.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Chromium logs every answer of 400 and above as an error.
LOGGED = "the server responded with a status of {}"
BAD_FORM = 400
PASSWORD = "a long enough secret"

expect.set_options(timeout=15_000)


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=chromium, args=OPTIONS)
        yield running
        running.close()


@pytest.fixture
def open_page(browser: Browser, stack: EmbeddedStack) -> Iterator[Callable[..., Page]]:
    """A page of the portal in a fresh profile. Errors on its console, such as a blocked script, fail the test."""
    errors: list[str] = []

    def opened(*, scripts: bool = True, expected: int = BAD_FORM) -> Page:
        context = browser.new_context(base_url=stack.url, java_script_enabled=scripts)
        page = context.new_page()

        def note(message: ConsoleMessage) -> None:
            if message.type == "error" and LOGGED.format(expected) not in message.text:
                errors.append(message.text)

        page.on("console", note)
        page.on("pageerror", lambda error: errors.append(str(error)))
        return page

    yield opened
    for context in browser.contexts:
        context.close()
    assert errors == []


@pytest.fixture
def sign_up() -> Callable[[Page], str]:
    """Make an account and end at the home page; returns the user name."""

    def done(page: Page) -> str:
        name = f"user-{uuid.uuid4().hex[:8]}"
        page.goto("/")
        page.get_by_role("link", name="Create an account").click()
        page.get_by_label("Username").fill(name)
        page.get_by_label("Email").fill(f"{name}@example.org")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Create account").click()
        expect(page.get_by_role("heading", name="Dashboard")).to_be_visible()
        return name

    return done
