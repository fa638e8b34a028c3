"""live.js in Chromium, with a socket that the test plays and a clock that it moves: when a page asks for what again."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute, sync_playwright

pytestmark = pytest.mark.browser

JS = Path(__file__).parents[2] / "static" / "app" / "js"
PORTAL = "http://portal.test"
HTML = """<!doctype html><body data-live="run/1"><p data-live-on="run"></p><i data-live-metric="loss"></i>
<span id="live-status" hidden></span><script>
  window.told = [];
  document.querySelector("p").addEventListener("live", () => told.push("run"));
  document.addEventListener("live:refetch", () => told.push("series"));
  document.addEventListener("live:points", ({ detail }) => told.push(...detail.map((part) => part.count)));
</script><script src="/live.js" type="module"></script>"""
TRIES = 200


class Sockets:
    """What the page opened so far, and what it said on each."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.opened: list[WebSocketRoute] = []
        self.said: list[list[Any]] = []
        page.route_web_socket("ws://portal.test/ws/live/run/1/", self._open)

    def _open(self, socket: WebSocketRoute) -> None:
        said: list[Any] = []
        self.opened.append(socket)
        self.said.append(said)
        socket.on_message(lambda text: said.append(json.loads(text)))

    def wait(self, true: Callable[[], bool]) -> None:
        for _ in range(TRIES):
            if true():
                return
            self._page.wait_for_timeout(25)
        raise AssertionError(f"did not happen; said: {self.said}, told: {self.told()}, {self.status()}")

    def tell(self, **message: Any) -> None:
        """On the newest socket."""
        self.opened[-1].send(json.dumps(message))

    def says_something(self) -> None:
        """On the newest socket, and the page has heard it."""
        before = self.told()
        self.tell(changed=["run:1"])
        self.wait(lambda: self.told() == [*before, "run"])

    def told(self) -> list[Any]:
        """What the page's parts heard."""
        found: list[Any] = self._page.evaluate("told")
        return found

    def status(self) -> str:
        """What the foot of the page says."""
        return self._page.locator("#live-status").text_content() or ""

    def is_ready(self, number: int) -> None:
        """The page has so many sockets; the newest one is answered, and the page has asked for everything once."""
        self.wait(lambda: len(self.opened) == number and self.said[-1] == [{"watch": ["loss"]}])
        before = self.told()
        self.tell(watching=["loss"])
        self.wait(lambda: self.told() == [*before, "run", "series"])
        assert self.status() == "Live"


def script(route: Route) -> str:
    return (JS / route.request.url.rpartition("/")[2]).read_text()


@pytest.fixture
def page(chromium: str) -> Iterator[Page]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        yield browser.new_page()
        browser.close()


@pytest.fixture
def sockets(page: Page) -> Sockets:
    def serve(route: Route) -> None:
        if route.request.url.endswith(".js"):
            route.fulfill(body=script(route), content_type="text/javascript")
        else:
            route.fulfill(body=HTML, content_type="text/html")

    page.clock.install()
    page.route(f"{PORTAL}/**", serve)
    found = Sockets(page)
    page.goto(PORTAL)
    found.is_ready(1)
    return found


def test_news(sockets: Sockets, page: Page) -> None:
    page.evaluate("told.length = 0")
    sockets.tell(changed=["run:1", "log:1"], points=[{"count": 7}])
    sockets.wait(lambda: sockets.told() == ["run", 7])
    sockets.tell(refetch=True)
    sockets.wait(lambda: sockets.told() == ["run", 7, "run", "series"])
    page.evaluate(
        "document.querySelector('i').dataset.liveMetric = 'a'; document.dispatchEvent(new CustomEvent('live:watch'))"
    )
    sockets.wait(lambda: sockets.said[0][-1] == {"watch": ["a"]})
    sockets.tell(watching=["a"])
    sockets.wait(lambda: sockets.told()[4:] == ["series"])


def test_a_part_that_takes_long_to_fetch_is_left_alone_for_longer(sockets: Sockets, page: Page) -> None:
    page.clock.pause_at(page.evaluate("Date.now() + 1000"))
    page.evaluate("""told.length = 0;
        const element = document.querySelector("p");
        window.report = (name) => element.dispatchEvent(new CustomEvent(`htmx:${name}:request`, {
            bubbles: true, detail: { ctx: { sourceElement: element, request: {} } } }));
        report("before");""")
    page.clock.run_for(300)
    page.evaluate("report('finally')")
    sockets.tell(changed=["run:1"], points=[{"count": 1}])
    sockets.tell(changed=["run:1"], points=[{"count": 2}])
    sockets.wait(lambda: sockets.told() == [1, 2])
    page.clock.run_for(2_900)
    assert sockets.told() == [1, 2]
    page.clock.run_for(200)
    assert sockets.told() == [1, 2, "run"]


def test_a_silent_socket_is_replaced_and_a_beating_one_is_not(sockets: Sockets, page: Page) -> None:
    for _ in range(5):
        page.clock.run_for(10_000)
        sockets.says_something()
    assert len(sockets.opened) == 1
    page.clock.run_for(31_000)
    sockets.is_ready(2)


@pytest.mark.parametrize("event", ["online", "pageshow", "visibilitychange", "sleep"])
def test_who_comes_back_is_asked_for_and_a_dead_socket_noticed(
    sockets: Sockets, page: Page, event: str
) -> None:
    come_back = {
        "online": "dispatchEvent(new Event('online'))",
        "pageshow": "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))",
        "visibilitychange": "document.dispatchEvent(new Event('visibilitychange'))",
    }
    for is_dead in (False, True):
        if event == "sleep":
            page.clock.fast_forward(20_000)
        else:
            page.evaluate(come_back[event])
        sockets.wait(lambda: sockets.said[0][-1:] == [{"ping": True}])
        sockets.said[0].clear()
        if not is_dead:
            sockets.says_something()
        page.clock.run_for(4_100)
        assert (sockets.status() == "Live") is not is_dead
    sockets.is_ready(2)


def test_a_socket_that_is_closed_comes_again_sooner_if_somebody_comes_back(
    sockets: Sockets, page: Page
) -> None:
    sockets.opened[-1].close(code=1012)
    sockets.wait(lambda: sockets.status() == "Reconnecting…")
    page.evaluate("dispatchEvent(new Event('online'))")
    sockets.is_ready(2)
    sockets.opened[-1].close(code=1012)
    sockets.wait(lambda: sockets.status() == "Reconnecting…")
    page.clock.run_for(1_000)
    sockets.is_ready(3)


def test_a_session_may_be_a_new_one_but_a_second_refusal_is_final(sockets: Sockets, page: Page) -> None:
    sockets.opened[-1].close(code=4401)
    sockets.wait(lambda: sockets.status() == "Reconnecting…")
    page.clock.run_for(1_000)
    sockets.is_ready(2)
    sockets.opened[-1].close(code=4401)
    page.wait_for_timeout(100)
    page.clock.run_for(2_000)
    sockets.wait(lambda: len(sockets.said) == 3 and sockets.said[-1] != [])
    sockets.opened[-1].close(code=4401)
    sockets.wait(lambda: sockets.status() == "Not live: reload the page")
    assert len(sockets.opened) == 3
    page.evaluate("dispatchEvent(new Event('online'))")
    page.clock.run_for(60_000)
    assert len(sockets.opened) == 3


def test_what_is_gone_is_final(sockets: Sockets) -> None:
    sockets.opened[-1].close(code=4404)
    sockets.wait(lambda: sockets.status() == "Not live: reload the page")


def test_a_page_of_several_places_has_one_socket(page: Page) -> None:
    asked: list[str] = []

    def serve(route: Route) -> None:
        if route.request.url.endswith(".js"):
            route.fulfill(body=script(route), content_type="text/javascript")
        else:
            html = HTML.replace('"run/1"', '"run/1 project/2 experiment/3"')
            route.fulfill(body=html, content_type="text/html")

    page.route(f"{PORTAL}/**", serve)
    page.route_web_socket("**/ws/**", lambda socket: asked.append(socket.url))
    page.goto(PORTAL)
    page.wait_for_timeout(500)
    assert asked == ["ws://portal.test/ws/live/run/1/?with=project/2,experiment/3"]
