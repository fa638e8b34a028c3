"""The log of a run as a person reads it: while it comes, searched, by line, and of another worker."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import project, upload

pytestmark = [pytest.mark.browser, pytest.mark.integration]

TRAINED_MS = 240_000
CODE = """
import sys
import time

import ray.train


def train(config):
    rank = ray.train.get_context().get_world_rank()
    for n in range(1, 3001):
        needle = "  \\x1b[1;31mneedle\\x1b[0m" if n % 1000 == 0 else ""
        print(f"rank {rank} line {n}{needle} <i>")
    for n in range(101):
        print(f"\\rbar {n}%", end="", flush=True)
        time.sleep(0.01)
    print()
    for n in range(2000):
        print(f"tick {n}", flush=True)
        ray.train.report({"ticks": n})
        time.sleep(0.1)
"""


def test_a_log_is_followed_searched_and_linked(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str], tmp_path: Path
) -> None:
    page = open_page()
    sign_up(page)
    project(page, "Printing")
    page.get_by_role("link", name="New experiment").click()
    (tmp_path / "talkative.py").write_text(CODE)
    upload(page, tmp_path / "talkative.py")
    page.get_by_label("Workers", exact=True).fill("2")
    page.get_by_role("button", name=re.compile("Launch")).click()
    expect(page.get_by_text("talkative is launched with 1 run.")).to_be_visible()
    page.locator("#overview tbody .row-link").first.click()
    expect(page.get_by_role("heading", level=1, name="Run #1")).to_be_visible()
    expect(page.locator("#live-status")).to_have_text("Live")

    # It comes by itself, and the end stays in sight.
    log = page.get_by_role("log")
    follow = page.get_by_role("button", name="Follow")
    count = page.locator("[data-log-count]")
    expect(log).to_contain_text("tick 5", timeout=TRAINED_MS)
    expect(follow).to_have_attribute("aria-pressed", "true")
    log.scroll_into_view_if_needed()
    last = log.locator(".log-row").last
    before = last.inner_text()
    expect(last).not_to_have_text(before)
    expect(last).to_be_in_viewport()

    # Search stops following, marks what it has found, and goes on from match to match.
    page.keyboard.press("/")
    page.keyboard.type("needle")
    expect(count).to_have_text(re.compile(r"\d of 3"))
    expect(follow).to_have_attribute("aria-pressed", "false")
    page.keyboard.press("Escape")
    page.keyboard.press("g")
    page.keyboard.press("/")
    page.keyboard.type("needle")
    expect(count).to_have_text("1 of 3")
    expect(log.locator(".is-current")).to_contain_text("rank 0 line 1000")
    expect(log.locator(".is-current mark .ansi-fg-1")).to_have_text("needle")
    page.keyboard.press("Enter")
    expect(count).to_have_text("2 of 3")
    expect(log.locator(".is-current")).to_contain_text("rank 0 line 2000  needle <i>")
    expect(page.locator("[data-log-news]")).to_contain_text("new line")

    # A bar of a hundred states is one line.
    page.get_by_label("Search the log").fill("bar ")
    expect(count).to_have_text("1 of 1")
    expect(log.locator(".is-current")).to_contain_text("bar 100%")

    # Keys, and a link to a line.
    page.get_by_label("Search the log").press("Escape")
    page.keyboard.press("g")
    expect(log.locator(".log-row").first).to_contain_text("rank 0 line 1 ")
    log.get_by_role("link", name="Line 3", exact=True).click()
    expect(page).to_have_url(re.compile(r"\?attempt=1&rank=0#L3$"))
    expect(page.get_by_role("button", name="Copy link")).to_be_visible()
    page.get_by_label("Line", exact=True).fill("1500")
    page.get_by_label("Line", exact=True).press("Enter")
    expect(page).to_have_url(re.compile("#L1500$"))
    page.reload()
    expect(log.locator(".is-chosen")).to_contain_text("rank 0 line 1500")

    # The other worker, from its end on.
    page.get_by_label("Rank").select_option("1")
    expect(log.locator(".log-row").last).to_contain_text("tick")
    page.keyboard.press("g")
    expect(log.locator(".log-row").first).to_contain_text("rank 1 line 1 ")
    page.keyboard.press("G")
    expect(follow).to_have_attribute("aria-pressed", "true")

    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.locator("#run-live .state").first).to_have_text("Canceled", timeout=TRAINED_MS)
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download").click()
    text = saved.value.path().read_text()
    assert saved.value.suggested_filename == "talkative-1-attempt-1-rank-0.log"
    assert text.splitlines()[2999:3001] == ["rank 0 line 3000  needle <i>", "bar 100%"]
