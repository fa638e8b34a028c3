"""Pages on a narrow screen, in the dark theme."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import project

pytestmark = [pytest.mark.browser, pytest.mark.integration]

PHONE = {"width": 390, "height": 844}
NAME = "A project whose name needs several lines"
LONG = "An experiment with a name that is much longer than a phone is wide"


def fits(page: Page, heading: str | re.Pattern[str]) -> None:
    """Nothing makes the page of that heading wider than the screen; tables and code scroll in their own boxes."""
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]


def test_no_page_is_wider_than_a_phone(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str]
) -> None:
    page = open_page()
    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a TypedDict
    page.emulate_media(color_scheme="dark")
    sign_up(page)
    fits(page, "Dashboard")
    project(page, NAME)
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    fits(page, NAME)
    page.get_by_role("link", name="New experiment").click()
    fits(page, "New experiment")
    page.get_by_role("button", name="Use it: digits").click()
    page.get_by_text("Random", exact=True).click()
    page.get_by_label("Parameter sets").fill("2")
    page.get_by_label("lr", exact=False).first.fill("0.001..0.1 log")
    page.get_by_label("Name", exact=True).fill(LONG)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("2 runs")
    fits(page, "New experiment")
    page.get_by_role("button", name=re.compile("Launch")).click()
    fits(page, LONG)
    page.get_by_label("Select run 1", exact=True).check()
    page.get_by_role("group", name="Selected runs").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Go back").click()
    page.locator("tbody .row-link").first.click()
    fits(page, re.compile(r"Run #\d"))
    page.get_by_role("link", name=LONG).click()
    page.locator("#experiment-actions").get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_text(f"{LONG} is canceled.")).to_be_visible()
    page.get_by_role("link", name="Code", exact=True).click()
    expect(page.get_by_role("heading", name="train.py")).to_be_visible()
    fits(page, LONG)
    page.get_by_role("link", name="Events", exact=True).click()
    expect(page.get_by_role("heading", name="Events", exact=True)).to_be_visible()
    fits(page, LONG)
    page.get_by_role("link", name="Runs", exact=True).click()
    for number in (1, 2):
        page.get_by_label(f"Select run {number}", exact=True).check()
    page.get_by_role("group", name="Selected runs").get_by_role("button", name="Compare").click()
    fits(page, "Compare runs")
    for path, heading in (
        ("/", "Dashboard"),
        ("/projects/", "Projects"),
        ("/queue/", "Queue"),
        ("/models/", "Models"),
    ):
        page.goto(path)
        fits(page, heading)
    page.get_by_role("link", name="Projects").click()
    page.get_by_role("link", name=NAME).click()
    for tab in ("Models", "Members", "Usage", "Settings"):
        page.get_by_label("Pages of the project").get_by_role("link", name=tab).click()
        expect(page.get_by_label("Pages of the project").locator("[aria-current]")).to_have_text(tab)
        fits(page, NAME)
    page.goto("/profile/")
    fits(page, "Profile")
    page.get_by_text("Light", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "light")
    page.get_by_text("As the system", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    page.goto("/tokens/")
    page.get_by_label("Name").fill("a script on somebody's laptop")
    page.get_by_role("button", name="Create token").click()
    expect(page.get_by_text("Copy the token now")).to_be_visible()
    # A token without a hyphen has no place where it would break by itself.
    page.locator("#new-token").evaluate("part => part.textContent = 'mlp_' + 'W'.repeat(60)")
    fits(page, "API tokens")
