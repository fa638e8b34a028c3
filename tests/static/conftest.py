"""Parts of pages in Chromium without a portal: the real scripts and templates, and answers that the test gives."""

import json
import mimetypes
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from playwright.sync_api import Page, Route, sync_playwright

PORTAL = "http://portal.test"
STATIC = settings.BASE_DIR / "static"
STYLES = ("vendor/tabler.min.css", "app/css/app.css", "app/css/pages.css", "vendor/uplot.min.css")
TRIES = 200

Answer = Callable[[Route], None]


class Part:
    """A page with a part of the portal's, and what it asks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.html = ""
        self.asked: list[str] = []
        self.answers: dict[str, Answer] = {}
        self.errors: list[str] = []
        page.route(f"{PORTAL}/**", self._serve)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def answer(self, path: str, body: Any) -> None:
        """Requests of the path get this JSON from now on, or a status if it is a number, or no answer if it is None."""
        if body is None:
            self.answers[path] = lambda route: route.abort()
        elif isinstance(body, int):
            self.answers[path] = lambda route: route.fulfill(status=body)
        else:
            self.answers[path] = lambda route: route.fulfill(json=body)

    def open(self, html: str, *scripts: str, plain: tuple[str, ...] = ()) -> Page:
        """A page that has the HTML in its body, and these modules and plain scripts of static/."""
        styles = "".join(f'<link rel="stylesheet" href="/static/{name}">' for name in STYLES)
        tags = "".join(f'<script src="/static/{name}" defer></script>' for name in plain)
        tags += "".join(f'<script src="/static/{name}" type="module"></script>' for name in scripts)
        self.html = f"<!doctype html><head>{styles}{tags}</head><body><main>{html}</main></body>"
        self.page.goto(f"{PORTAL}/")
        return self.page

    def wait(self, true: Callable[[], bool]) -> None:
        for _ in range(TRIES):
            if true():
                return
            self.page.wait_for_timeout(25)
        raise AssertionError(f"did not happen; asked: {self.asked}, errors: {self.errors}")

    def tell(self, event: str, detail: Any = None) -> None:
        """Dispatch an event on the document, as other scripts do."""
        self.page.evaluate(
            f"document.dispatchEvent(new CustomEvent('{event}', {{detail: {json.dumps(detail)}}}))"
        )

    def hide(self, hidden: bool) -> None:
        """Another tab is in front, or this one again."""
        self.page.evaluate(
            f"Object.defineProperty(document, 'hidden', {{value: {json.dumps(hidden)}, configurable: true}});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )

    def _serve(self, route: Route) -> None:
        path = urlsplit(route.request.url).path
        if path == "/":
            return route.fulfill(body=self.html, content_type="text/html")
        if path.startswith("/static/"):
            name = path.removeprefix("/static/")
            vendor = settings.VENDOR_FILES.get(name)
            file = settings.VENDOR_DIR / vendor if vendor else STATIC / name
            return route.fulfill(body=file.read_bytes(), content_type=mimetypes.guess_type(name)[0])
        self.asked.append(route.request.url)
        return self.answers.get(path, lambda route: route.fulfill(status=404))(route)


@pytest.fixture
def part(chromium: str) -> Iterator[Part]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        found = Part(browser.new_page())
        yield found
        browser.close()
    assert found.errors == []
