"""What happens when a page's own refetches meet a person's clicks."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.steps import project, refetch, upload

pytestmark = [pytest.mark.browser, pytest.mark.integration]

TRIES = 150


def wait_for(page: Page, held: list[Route], count: int) -> None:
    for _ in range(TRIES):
        if len(held) >= count:
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"only {len(held)} of {count} requests came")


def test_a_sort_survives_the_refetches_around_it(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str], tmp_path: Path
) -> None:
    page = open_page()
    sign_up(page)
    project(page, "Racing")
    page.get_by_role("link", name="New experiment").click()
    (tmp_path / "own.py").write_text("def train(config):\n    print(config['lr'])\n")
    upload(page, tmp_path / "own.py")
    page.get_by_label("lr", exact=False).first.fill("0.1, 0.2")
    page.get_by_role("button", name="Launch 2 runs").click()
    expect(page.locator("#live-status")).to_have_text("Live")

    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route(re.compile(r"/e/own/(\?.*)?$"), hold)
    refetch(page)
    wait_for(page, held, 1)
    assert "sort" not in held[0].request.url
    with page.expect_event("requestfailed", lambda request: request == held[0].request):
        page.get_by_role("link", name="lr").click()
    wait_for(page, held, 2)
    refetch(page)
    held[1].continue_()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("lr")
    wait_for(page, held, 3)
    assert "sort=params.lr" in held[2].request.url

    page.unroute_all()  # lets go of what is still held
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_text("own is canceled.")).to_be_visible()
