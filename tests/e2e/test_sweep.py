"""A random search from its preview to a fork, with a person's hands in between."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import project, refetch, upload

pytestmark = [pytest.mark.browser, pytest.mark.integration]

TRAINED_MS = 240_000
CODE = """
import tempfile
import time
from pathlib import Path

import ray.train


def train(config):
    checkpoint, done = ray.train.get_checkpoint(), 0
    if checkpoint:
        with checkpoint.as_directory() as folder:
            done = int(Path(folder, "step").read_text())
    for step in range(done + 1, config.get("epochs", 5) + 1):
        time.sleep(0.4)
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "step").write_text(str(step))
            ray.train.report(
                {"accuracy": step * config["lr"]}, checkpoint=ray.train.Checkpoint.from_directory(folder)
            )
"""


def test_a_search_is_previewed_paused_thinned_out_and_forked(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str], tmp_path: Path
) -> None:
    page = open_page()
    sign_up(page)
    project(page, "Sweeping")
    page.get_by_role("link", name="New experiment").click()
    (tmp_path / "climb.py").write_text(CODE)
    upload(page, tmp_path / "climb.py")

    # The form hides what a grid does not have, and counts.
    launch = page.get_by_role("button", name=re.compile("Launch"))
    expect(page.get_by_label("Parameter sets")).to_be_hidden()
    page.get_by_label("lr", exact=False).first.fill("0.1, 0.2, 0.3")
    expect(launch).to_have_text(re.compile("Launch.3.runs"))
    page.get_by_text("Random", exact=True).click()
    page.get_by_label("Parameter sets").fill("6")
    page.get_by_label("lr", exact=False).first.fill("0.01..x")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator(".parameter").get_by_text("write a range such as")).to_be_visible()
    page.get_by_label("lr", exact=False).first.fill("0.01..0.1 log")
    page.get_by_label("Metric that decides").fill("accuracy")
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("6 runs")
    expect(page.locator("#preview tbody tr")).to_have_count(5)
    expect(launch).to_have_text(re.compile("Launch.6.runs"))

    # The same as text, changed there, and back; what would run follows what is typed.
    page.get_by_role("button", name="As YAML").click()
    text = page.get_by_label("experiment.yaml", exact=True)
    expect(text).to_have_value(re.compile("method: random"))
    text.fill(text.input_value().replace("runs: 6", "runs: 7"))
    expect(page.locator("#preview")).to_contain_text("7 runs")
    page.get_by_role("button", name="Form", exact=True).click()
    expect(page.get_by_label("Parameter sets")).to_have_value("7")
    page.get_by_label("Parameter sets").fill("6")
    expect(page.locator("#preview")).to_contain_text("6 runs")
    launch.click()

    overview = page.locator("#overview")
    state = overview.locator(".stat").first
    expect(overview.locator("tbody .state-running").first).to_be_visible(timeout=TRAINED_MS)
    page.get_by_role("button", name="Pause").click()
    expect(state).to_contain_text("Paused")
    expect(overview.locator("tbody .state-running")).to_have_count(0, timeout=TRAINED_MS)

    # Selected rows stay selected over a refetch. While it is paused, none of them can end by itself.
    bar = page.get_by_role("group", name="Selected runs")
    expect(bar).to_be_hidden()
    page.get_by_label("Select run 4", exact=True).check()
    page.get_by_label("Select run 6", exact=True).click(modifiers=["Shift"])
    expect(bar).to_contain_text("3 selected")
    with page.expect_response(lambda response: "/e/climb/" in response.url):
        refetch(page)
    expect(page.get_by_label("Select run 5", exact=True)).to_be_checked()
    bar.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Yes, do it").click()
    expect(page.get_by_text("3 runs canceled")).to_be_visible()
    page.get_by_label("Select all runs").check()
    expect(bar).to_contain_text("6 selected")
    page.keyboard.press("Escape")
    expect(bar).to_be_hidden()
    expect(overview.locator("tbody .state-canceled")).to_have_count(3)
    page.get_by_role("button", name="Resume").click()
    expect(state).to_contain_text("Active")
    page.get_by_label("Select run 4", exact=True).check()
    page.get_by_label("Select run 6", exact=True).click(modifiers=["Shift"])
    bar.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("3 runs queued again.")).to_be_visible()
    expect(state).to_contain_text("Completed", timeout=TRAINED_MS)
    expect(overview).to_contain_text("6 of 6 runs done")

    # Two of them beside each other, then a third; what happened to them is told on a page, too.
    page.get_by_label("Select run 1", exact=True).check()
    expect(bar.get_by_role("button", name="Compare")).to_be_disabled()
    page.get_by_label("Select run 2", exact=True).check()
    bar.get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1, name="Compare runs")).to_be_visible()
    expect(page.locator("[data-chart-legend] .legend-item")).to_have_text(["#1", "#2"])
    expect(page.locator("#comparison .compare-mark", has_text="best")).not_to_have_count(0)
    page.get_by_role("link", name="Only what differs").click()
    page.get_by_label("Run", exact=True).fill("3")
    page.get_by_role("button", name="Add").click()
    expect(page.locator("[data-chart-legend] .legend-item")).to_have_text(["#1", "#2", "#3"])
    expect(page.locator("#parameters tbody th")).to_have_text(["lr"])
    page.get_by_role("link", name="Remove #1 from the comparison").click()
    expect(page.locator("[data-chart-legend] .legend-item")).to_have_text(["#2", "#3"])
    page.get_by_role("link", name="climb").first.click()
    page.get_by_role("link", name="Events", exact=True).click()
    page.get_by_label("Kind").select_option("Paused")
    page.get_by_role("button", name="Filter").click()
    expect(page.locator("#events tbody tr").last).to_contain_text("Paused")
    page.get_by_role("link", name="Runs", exact=True).click()

    # One more set of a finished sweep, for whoever looks at it elsewhere.
    watching = page.context.new_page()
    watching.goto(page.url)
    expect(watching.locator("#live-status")).to_have_text("Live")
    watching.evaluate("window.sameDocument = true")
    page.get_by_role("link", name="Add runs").click()
    page.get_by_label("lr", exact=False).first.fill("0.05")
    page.get_by_label("epochs", exact=False).first.fill("1")
    page.get_by_role("button", name="Add 1 run").click()
    expect(overview).to_contain_text("of 7 runs done")
    elsewhere = watching.locator("#overview")
    expect(elsewhere).to_contain_text("of 7 runs done")
    expect(elsewhere.get_by_role("link", name="Run 7")).to_be_visible()

    overview.locator("tbody .row-link").first.click()
    page.get_by_role("link", name="Fork", exact=True).click()
    page.get_by_label("epochs", exact=False).first.fill("7")
    page.get_by_role("button", name="Fork").click()
    expect(page.locator("#run-live")).to_contain_text("Begins at step 5 of run #1")
    expect(page.locator("#run-live .state-completed")).to_be_visible(timeout=TRAINED_MS)
    expect(page.locator("#run-side")).to_contain_text("resumed from step 5")
    expect(page.get_by_role("link", name="Train further")).to_be_visible()
    expect(elsewhere).to_contain_text("8 of 8 runs done", timeout=TRAINED_MS)
    expect(elsewhere.locator(".stat").first).to_contain_text("Completed")
    assert watching.evaluate("window.sameDocument") is True
