"""Steps that several journeys begin with."""

from pathlib import Path

from playwright.sync_api import Page, expect


def project(page: Page, name: str) -> None:
    """Create a project and end at its page."""
    page.get_by_role("link", name="Create a project").click()
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Create project").click()
    expect(page.get_by_role("heading", level=1, name=name)).to_be_visible()


def upload(page: Page, path: Path) -> None:
    """Give the file to the page of a new experiment."""
    page.get_by_label("Training code").set_input_files(path)
    page.get_by_role("button", name="Upload and check").click()


def refetch(page: Page) -> None:
    """What live.js does when the socket says that something changed."""
    page.locator("#overview").evaluate("part => part.dispatchEvent(new CustomEvent('live'))")
