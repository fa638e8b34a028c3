"""What holds for every page: nobody is shut out, it fits a phone, it is strict about scripts, it is complete."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from playwright.sync_api import Page, expect

from tests.pages.conftest import Visitor
from tests.pages.places import Place
from tests.pages.seed import REASON
from tests.pages.shots import keep

pytestmark = [pytest.mark.browser, pytest.mark.django_db]

AXE = settings.VENDOR_DIR / "axe-core" / "axe.min.js"
TAGS = {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
# What a theme can break.
COLORS = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
CHECK = "rules => axe.run({runOnly: rules, resultTypes: ['violations']}).then(found => found.violations)"
LOOKS = ((1440, "light", TAGS), (1440, "dark", COLORS), (390, "dark", TAGS), (390, "light", COLORS))
HEIGHT = 900
# Colours would be measured while they change.
STILL = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync("* { transition: none !important; animation: none !important; }");
  document.adoptedStyleSheets.push(sheet);
}"""
OPEN = "document.querySelectorAll('details:not([data-menu])').forEach((part) => { part.open = true; })"
# People open one menu at a time.
CHECK_MENUS = """async (rules) => {
  const found = [];
  for (const menu of document.querySelectorAll('details[data-menu]')) {
    menu.open = true;
    found.push(...(await axe.run(menu, {runOnly: rules, resultTypes: ['violations']})).violations);
    menu.open = false;
  }
  return found;
}"""
FIRST_LOAD_BYTES = 300_000
# Of some pages: what one comes for.
SAID = {
    "dashboard": "11 min",
    "queue": REASON,
    "experiment": "0.9464",
    "runs-grouped": "0.927 ± 0.027",
    "analysis": "runs table",
    "code": "for epoch in range",
    "events": "max_parallel 1 → 2",
    "compare": "0.9464",
    "run-completed": "epoch 60",
    "run-failed": "Traceback",
    "model-version": "mlflow.pytorch",
    "new-form": "Launch",
}


def test_every_page_is_for_everybody(visitor: Visitor) -> None:
    """WCAG 2.2 AA as far as a program can tell, in both themes, on a desk and on a phone."""
    wrong: list[str] = []
    for place, page in _visits(visitor, visitor.portal.places):
        wrong += [f"{place.name}: {problem}" for problem in _frame(page)]
        page.evaluate(STILL)
        page.evaluate(AXE.read_text())
        for width, theme, rules in LOOKS:
            look = f"{place.name}-{width}-{theme}"
            page.set_viewport_size({"width": width, "height": HEIGHT})
            page.emulate_media(color_scheme=theme)  # type: ignore[arg-type]  # light or dark
            if page.evaluate("document.documentElement.scrollWidth") > width:
                wrong.append(f"{look}: wider than the screen")
            keep(lambda path: page.screenshot(path=path, full_page=True), f"{look}.png")  # noqa: B023
            wrong += [f"{look}: {told}" for told in _violations(page, rules)]
        page.evaluate(OPEN)
        for check in (CHECK, CHECK_MENUS):
            wrong += [f"{place.name}, opened: {told}" for told in _violations(page, TAGS, check)]
    if wrong:
        pytest.fail("\n".join(wrong), pytrace=False)


def test_administration_is_strict_too(visitor: Visitor) -> None:
    assert len(list(_visits(visitor, visitor.portal.admin_places))) > 3


@pytest.mark.parametrize("name", ["dashboard", "experiment"])
def test_a_first_visit_is_small(visitor: Visitor, name: str) -> None:
    place = visitor.place(name)
    page = visitor.open(place.who)
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    sizes: list[float] = []
    network.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    page.goto(place.path, wait_until="networkidle")
    assert 50_000 < sum(sizes) <= FIRST_LOAD_BYTES


def test_pages_can_be_read_without_scripts(visitor: Visitor) -> None:
    for place, page in _visits(visitor, visitor.portal.places, scripts=False):
        expect(page.get_by_role("heading", level=1), place.name).to_be_visible()
        assert SAID.get(place.name, "") in page.locator("main").inner_text(), place.name


def test_an_experiment_prints_as_a_report(visitor: Visitor) -> None:
    place = visitor.place("experiment")
    page = visitor.open(place.who)
    page.emulate_media(color_scheme="dark")
    page.goto(place.path)
    page.locator(".uplot").wait_for()
    page.emulate_media(media="print", color_scheme="dark")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    picture = page.locator("[data-chart-picture] svg")
    expect(picture).to_be_visible()
    assert str(picture.get_attribute("viewBox")).split()[2] == "720"
    for told in ("Learning rates of the small model", "accuracy", "0.9464", "optimizer"):
        assert told in page.locator("main").inner_text()
    for pressed in (".navbar", ".btn", "input", ".uplot", ".page-tab"):
        assert page.locator(f"{pressed} >> visible=true").count() == 0, pressed
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    keep(lambda path: page.pdf(path=path, prefer_css_page_size=True), "experiment.pdf")


def _visits(visitor: Visitor, wanted: list[Place], *, scripts: bool = True) -> Iterator[tuple[Place, Page]]:
    """Each page, loaded. All that came had the strict policy, and nothing went wrong on it."""
    opened: dict[str, Page] = {}
    for place in wanted:
        name = place.who.username if place.who else ""
        page = opened.get(name) or opened.setdefault(name, visitor.open(place.who, scripts=scripts))
        page.set_viewport_size({"width": LOOKS[0][0], "height": HEIGHT})
        page.emulate_media(color_scheme="light")
        response = page.goto(place.path)
        assert response is not None
        policy = response.headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "unsafe" not in policy
        if scripts:
            place.begin(page)
        yield place, page
        assert visitor.errors == [], place.name


def _frame(page: Page) -> Iterator[str]:
    if (count := page.locator("h1").count()) != 1:
        yield f"{count} h1"
    if page.title() in ("", "mlplatform"):
        yield "no title of its own"
    if page.locator("html").get_attribute("lang") != "en":
        yield "no language"


def _violations(page: Page, rules: dict[str, Any], check: str = CHECK) -> Iterator[str]:
    # What waits for an answer is faint.
    expect(page.locator(".htmx-request")).to_have_count(0)
    for found in page.evaluate(check, rules):
        nodes = [f"\n    {node['html'][:200]}\n    {node['failureSummary']}" for node in found["nodes"][:3]]
        yield f"{found['id']} ({len(found['nodes'])}){''.join(nodes)}"
