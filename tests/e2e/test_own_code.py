"""Own code that is wrong at first: what the portal says before and after a run, and the way to better code."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import project, upload

pytestmark = [pytest.mark.browser, pytest.mark.integration]

TRAINED_MS = 240_000
UNREADABLE = "def train(config:\n    pass\n"
WRONG = """
def train(config):
    for epoch in range(3):
        loss = config["lr"] / epoch
"""
RIGHT = """
import ray.train


def train(config):
    for epoch in range(1, 4):
        ray.train.report({"accuracy": config["lr"] * epoch})
"""


def test_code_is_corrected_until_it_runs(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str], tmp_path: Path
) -> None:
    page, file = open_page(), tmp_path / "own.py"
    sign_up(page)
    project(page, "Correcting")
    page.get_by_role("link", name="New experiment").click()
    file.write_text(UNREADABLE)
    upload(page, file)
    expect(page.get_by_role("alert")).to_contain_text("own.py, line 1")

    # It can be read, but would tell nobody anything; then it does not run either.
    file.write_text(WRONG)
    upload(page, file)
    notes = page.get_by_text("It can be launched, but look at this first:")
    expect(notes).to_be_visible()
    expect(page.locator("#code-step")).to_contain_text("Nothing in it calls ray.train.report")
    page.get_by_label("lr", exact=False).first.fill("0.25")
    page.get_by_role("button", name=re.compile("Launch")).click()
    overview = page.locator("#overview")
    expect(overview.locator("tbody .state-failed")).to_be_visible(timeout=TRAINED_MS)
    overview.locator("tbody .row-link").click()
    failure = page.get_by_role("alert")
    expect(failure).to_contain_text("The training code raised an error")
    expect(failure).to_contain_text("user_error")
    expect(failure.get_by_label("Traceback")).to_contain_text('own.py", line 4')
    expect(failure).to_contain_text("ZeroDivisionError")

    # What was filled in comes along with the better code.
    failure.get_by_role("link", name="Upload fixed code").click()
    expect(page.get_by_text("The form will begin with the settings of own")).to_be_visible()
    file.write_text(RIGHT)
    upload(page, file)
    expect(page.get_by_label("lr", exact=False).first).to_have_value("0.25")
    expect(notes).to_have_count(0)
    page.get_by_label("Metric that decides").fill("accuracy")
    page.get_by_role("button", name=re.compile("Launch")).click()
    expect(overview).to_contain_text("1 of 1 run done", timeout=TRAINED_MS)
    expect(overview.locator("tbody .state-completed")).to_be_visible()
    expect(overview.locator("tbody tr")).to_contain_text("0.75")
