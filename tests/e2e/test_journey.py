"""What a person does on the first day, in Chromium, on the real stack."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import project, upload

pytestmark = [pytest.mark.browser, pytest.mark.integration]

TRAINED_MS = 240_000


def test_from_sign_up_to_a_registered_model(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str]
) -> None:
    page = open_page()
    sign_up(page)
    project(page, "Sorting line")

    # Two clicks; while it starts, one more run.
    page.get_by_role("button", name="Run the example").click()
    page.get_by_role("button", name="Launch 1 run").click()
    overview = page.locator("#overview")
    expect(overview).to_contain_text("of 1 run done")
    page.get_by_role("link", name="Add runs").click()
    page.get_by_label("lr", exact=False).first.fill("0.00001")
    page.get_by_label("epochs", exact=False).first.fill("2")
    page.get_by_role("button", name="Add 1 run").click()
    expect(overview).to_contain_text("of 2 runs done")
    # From here on nothing reloads the page.
    page.evaluate("window.sameDocument = true")
    expect(page.locator("#live-status")).to_have_text("Live")
    expect(overview.locator("tbody .state-running").first).to_be_visible(timeout=TRAINED_MS)
    expect(overview).to_contain_text("2 of 2 runs done", timeout=TRAINED_MS)
    expect(overview.locator(".stat").first).to_contain_text("Completed")
    expect(page.locator(".chart-plot canvas")).to_be_visible()
    expect(page.locator(".chart-plot")).to_have_attribute(
        "aria-label", re.compile("accuracy over steps.*run 2")
    )

    # The curves: other axis, smoothed, one run alone, a part of the axis; all of it in words.
    chart = page.locator("#learning-curve")
    chart.get_by_text("Display").click()
    chart.get_by_text("Run time", exact=True).click()
    chart.get_by_label("Smoothing").fill("0.5")
    expect(page.locator(".chart-plot")).to_have_attribute("aria-label", re.compile("over run time"))
    page.keyboard.press("Escape")
    chart.get_by_text("Values as a table").click()
    expect(chart.get_by_role("row", name=re.compile("#2 2"))).to_be_visible()
    chart.get_by_role("button", name="Show run 2").click()
    expect(chart.get_by_role("button", name="Show run 2")).to_have_attribute("aria-pressed", "false")
    place = chart.locator(".u-over").bounding_box()
    assert place
    page.mouse.move(place["x"] + place["width"] * 0.6, place["y"] + 50)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.95, place["y"] + 60)
    page.mouse.up()
    chart.get_by_role("button", name="Whole curve").click()
    expect(chart.get_by_role("button", name="Whole curve")).to_be_hidden()
    chart.get_by_label("Download").click()
    with page.expect_download() as download:
        chart.get_by_role("button", name="Download CSV").click()
    assert download.value.path().read_text().startswith("curve,relative,accuracy,deviation\n#1,")

    page.get_by_role("link", name="accuracy").first.click()
    expect(page).to_have_url(re.compile("sort=-metrics\\.accuracy"))
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("accuracy")
    expect(overview.locator(".runs-table tbody tr").first.locator(".row-link")).to_contain_text("1")
    model = page.get_by_role("link", name="model v1")
    expect(model).to_be_visible(timeout=TRAINED_MS)
    assert page.evaluate("window.sameDocument") is True

    for number in (1, 2):
        page.get_by_label(f"Select run {number}", exact=True).check()
    page.get_by_role("group", name="Selected runs").get_by_role("button", name="Compare").click()
    expect(page.get_by_role("heading", level=1, name="Compare runs")).to_be_visible()
    expect(page.locator("[data-chart-legend] .legend-item")).to_have_text(["#1", "#2"])
    expect(page.locator("#parameters")).to_contain_text("1e-5")
    page.get_by_role("link", name="digits").first.click()

    overview.locator(".runs-table tbody tr").first.locator(".row-link").click()
    expect(page.get_by_role("heading", level=1, name="Run #1")).to_be_visible()
    expect(page.locator(".log-rows")).to_contain_text("epoch")
    expect(page.locator("#run-side")).to_contain_text("0.005")
    page.get_by_text("Registered model").click()
    expect(page.get_by_text("mlflow.pytorch.load_model")).to_be_visible()

    page.get_by_role("link", name="All versions").click()
    expect(page.get_by_role("row", name=re.compile("v1"))).to_be_visible()
    page.get_by_role("navigation").get_by_role("link", name="Models", exact=True).first.click()
    expect(page.get_by_role("heading", level=1, name="Models")).to_be_visible()
    expect(page.get_by_role("link", name="sorting-line.digits")).to_be_visible()
    page.get_by_role("link", name="Dashboard").click()
    finished = page.get_by_role("region", name="Recently finished experiments")
    expect(finished.get_by_role("row", name=re.compile("digits"))).to_contain_text("2 completed")
    expect(page.locator("#live-status")).to_have_text("Live")


def test_without_scripts(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str], tmp_path: Path
) -> None:
    page = open_page(scripts=False)
    sign_up(page)
    project(page, "Plain")
    page.get_by_role("link", name="New experiment").click()
    (tmp_path / "own.py").write_text("def train(config):\n    print(config['lr'])\n")
    upload(page, tmp_path / "own.py")
    page.get_by_role("button", name=re.compile("Launch")).click()
    expect(page.locator("#id_p-lr_error")).to_have_text("Parameter lr has no default, so it needs a value.")
    page.get_by_label("lr", exact=False).first.fill("0.1, 0.2")
    page.get_by_role("button", name=re.compile("Launch")).click()
    expect(page.get_by_text("own is launched with 2 runs.")).to_be_visible()
    page.get_by_role("link", name="lr").click()
    expect(page.locator("th[aria-sort=ascending]")).to_contain_text("lr")
    page.get_by_role("button", name="Cancel").click()
    expect(page.get_by_text("own is canceled.")).to_be_visible()
    page.get_by_text("Account menu of").locator("..").click()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="Sign in to mlplatform")).to_be_visible()
