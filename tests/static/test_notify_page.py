"""notify.js in Chromium: what a page says when its experiment ends, seen or not."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect, sync_playwright

pytestmark = pytest.mark.browser

JS = Path(__file__).parents[2] / "static" / "app" / "js"
PLACE = "http://portal.test/p/vision/e/sweep/"
WORDS = "sweep has finished: accuracy 0.95 in run #2."
HTML = """<!doctype html><title>sweep</title><button data-bell hidden></button>
<span id="outcome" data-outcome="active" data-words=""></span><script>
  window.toasts = []; window.notes = [];
  document.addEventListener("toast", ({ detail }) => toasts.push(detail.text));
  window.Notification = class extends EventTarget {
    static permission = "default";
    static async requestPermission() { return (Notification.permission = window.answer ?? "granted"); }
    constructor(words) { super(); notes.push(words); }
  };
  window.hide = (hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  };
  window.news = (kind) => document.dispatchEvent(new CustomEvent("live:news", { detail: [kind] }));
  window.shown = (state, words) => {
    Object.assign(document.getElementById("outcome").dataset, { outcome: state, words });
    document.dispatchEvent(new CustomEvent("htmx:after:swap"));
  };
</script><script src="/notify.js" type="module"></script>"""


class Portal:
    """What the portal answers to a page in the background, and how often it was asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.answer: dict[str, str] = {"state": "active", "words": ""}

    def serve(self, route: Route) -> None:
        """Everything that the page asks for."""
        path = route.request.url
        if path.endswith("outcome/"):
            self.asked += 1
            route.fulfill(body=json.dumps(self.answer), content_type="application/json")
        elif path.endswith(".js"):
            route.fulfill(body=(JS / "notify.js").read_text(), content_type="text/javascript")
        else:
            route.fulfill(body=HTML, content_type="text/html")


@pytest.fixture
def portal() -> Portal:
    return Portal()


@pytest.fixture
def page(chromium: str, portal: Portal) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        opened = browser.new_page()
        opened.route("http://portal.test/**", portal.serve)
        opened.goto(PLACE)
        expect(opened.locator("[data-bell]")).to_be_visible()
        yield opened
        browser.close()


def said(page: Page) -> tuple[Any, Any, str]:
    """Toasts, notifications, title."""
    return page.evaluate("toasts"), page.evaluate("notes"), page.title()


def test_whoever_looks_sees_a_toast_once(page: Page, portal: Portal) -> None:
    page.evaluate("news('experiment')")
    page.evaluate("shown('active', '')")
    assert said(page) == ([], [], "sweep")
    for _ in range(2):
        page.evaluate("words => shown('completed', words)", WORDS)
    assert said(page) == ([WORDS], [], "sweep")
    assert portal.asked == 0
    # More runs make it go on, and end again.
    page.evaluate("shown('active', '')")
    page.evaluate("shown('canceled', 'sweep was canceled.')")
    assert page.evaluate("toasts")[1:] == ["sweep was canceled."]


def test_a_page_in_the_background_asks_and_marks_its_title_until_it_is_seen(
    page: Page, portal: Portal
) -> None:
    page.evaluate("hide(true)")
    page.evaluate("news('run')")
    assert portal.asked == 0
    with page.expect_response("**/outcome/"):
        page.evaluate("news('experiment')")
    portal.answer = {"state": "completed", "words": WORDS}
    # Not at once again, but soon, once for all that came meanwhile.
    page.evaluate("news('experiment'); news('experiment')")
    page.wait_for_function("document.title === '(✓) sweep'", timeout=10_000)
    assert portal.asked == 2
    assert said(page)[:2] == ([WORDS], [])
    page.evaluate("hide(false)")
    assert page.title() == "sweep"
    page.evaluate("words => shown('completed', words)", WORDS)
    assert page.evaluate("toasts") == [WORDS]


def test_the_bell_asks_once_and_is_remembered(page: Page, portal: Portal) -> None:
    bell = page.locator("[data-bell]")
    expect(bell).to_have_attribute("aria-pressed", "false")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("localStorage.bell") == "on"
    portal.answer = {"state": "completed", "words": WORDS}
    page.evaluate("hide(true)")
    page.evaluate("news('experiment')")
    page.wait_for_function("notes.length === 1")
    assert said(page) == ([WORDS], [WORDS], "(✓) sweep")
    bell.click()
    expect(bell).to_have_attribute("aria-pressed", "false")


def test_a_browser_that_does_not_allow_it(page: Page) -> None:
    page.evaluate("window.answer = 'denied'")
    page.locator("[data-bell]").click()
    page.wait_for_function("toasts.length === 1")
    assert "does not allow notifications" in page.evaluate("toasts")[0]
    expect(page.locator("[data-bell]")).to_have_attribute("aria-pressed", "false")
