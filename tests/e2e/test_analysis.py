"""A sweep as a whole: charts that follow it, brushes, a read-out by keys, and what can be saved."""

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import project, upload

pytestmark = [pytest.mark.browser, pytest.mark.integration]

TRAINED_MS = 240_000
CODE = """
import ray.train


def train(config):
    for step in range(1, config.get("epochs", 2) + 1):
        ray.train.report({"accuracy": step * config["lr"]})
"""
RUNS = 12
PHONE = {"width": 390, "height": 844}


def saved(page: Page, chart: str, kind: str, folder: Path) -> Path:
    """What the menu of the chart saves."""
    menu = page.locator(f"#{chart} .download-menu")
    menu.locator("summary").click()
    with page.expect_download() as download:
        menu.get_by_role("button", name=f"Download {kind}").click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def brushed(page: Page) -> int:
    """How many runs are brushed, once the count of them has come to rest."""
    count, words = page.locator("[data-picked-count]"), ""
    expect(count).to_contain_text("brushed")
    while words != (words := count.inner_text()):
        page.wait_for_timeout(500)
    return int(words.split()[0])


def test_a_sweep_is_analysed(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str], tmp_path: Path
) -> None:
    # On a busy machine the importance may be put off.
    page = open_page(expected=503)
    sign_up(page)
    project(page, "Analysing")
    page.get_by_role("link", name="New experiment").click()
    (tmp_path / "line.py").write_text(CODE)
    upload(page, tmp_path / "line.py")
    page.get_by_text("Random", exact=True).click()
    page.get_by_label("Parameter sets").fill(str(RUNS))
    page.get_by_label("lr", exact=False).first.fill("0.001..0.5 log")
    page.get_by_label("epochs", exact=False).first.fill("1, 2, 3")
    page.get_by_label("Metric that decides").fill("accuracy")
    page.get_by_role("button", name=re.compile("Launch")).click()
    expect(page.get_by_role("heading", level=1, name="line")).to_be_visible()
    page.get_by_role("link", name="Analysis").click()
    expect(page.get_by_role("heading", name="Best so far")).to_be_visible()

    # Nothing has reported yet; all that comes is pushed.
    best, timeline = page.locator("#best-so-far"), page.locator("#timeline")
    expect(best.locator(".plot-best")).to_be_visible(timeout=TRAINED_MS)
    importance = page.locator("#importance")
    expect(importance.locator(".plot-share")).to_have_count(2, timeout=TRAINED_MS)
    expect(importance.locator("[data-plot-note]")).to_contain_text(
        re.compile("ANOVA over 1[0-2] completed sets")
    )
    expect(timeline.locator(".bar-completed[data-key]")).to_have_count(RUNS, timeout=TRAINED_MS)
    rows = best.locator("[data-plot-table] tbody tr")
    best.get_by_text("Values as a table").click()
    expect(rows).to_have_count(RUNS)
    expect(best.locator("[data-plot-table] th[scope=col]").first).to_have_text("run")

    # A pointer brushes one axis, keys another; both together choose.
    count = page.locator("[data-picked-count]")
    axis = page.locator('#parallel .brush-area[data-brush="params.lr"]')
    axis.scroll_into_view_if_needed()
    area = axis.bounding_box()
    assert area is not None
    middle = area["x"] + area["width"] / 2
    page.mouse.move(middle, area["y"] + area["height"] * 0.08)
    page.mouse.down()
    page.mouse.move(middle, area["y"] + area["height"] * 0.5, steps=4)
    page.mouse.up()
    chosen = brushed(page)
    assert 0 < chosen < RUNS
    slider = page.get_by_role("slider", name="epochs, from")
    slider.press("End")
    expect(slider).to_have_attribute("aria-valuetext", "3")
    assert brushed(page) <= chosen
    column = 1 + page.locator("[data-picked] thead th").all_inner_texts().index("epochs")
    epochs = page.locator(f"[data-picked] tbody tr:visible td:nth-child({column})").all_inner_texts()
    assert (len(epochs), set(epochs) - {"3"}) == (brushed(page), set())
    slider.press("Escape")
    expect(count).to_have_text(f"{chosen} of {RUNS} runs brushed")
    expect(page.locator("[data-picked] tbody tr")).to_have_count(chosen)

    # The table of runs shows the same ones, and the way back brings all lines.
    page.get_by_role("link", name="Show in the runs table").click()
    expect(page.locator("#overview tbody tr")).to_have_count(chosen)
    page.get_by_role("link", name="Analysis").click()
    expect(count).to_contain_text("Drag along an axis")
    expect(importance.locator(".plot-share")).to_have_count(2, timeout=TRAINED_MS)

    # An importance leads to its parameter, arrow keys from run to run.
    importance.get_by_role("button", name=re.compile("^epochs")).press("Enter")
    expect(page.locator("[data-scatter-by]")).to_have_value("epochs")
    best.locator("svg.plot").press("ArrowRight")
    expect(best.get_by_role("status")).to_contain_text("Run #1")
    page.locator("[data-timeline-by]").select_option("a row per allocation")
    expect(timeline.locator(".plot-tick").first).to_have_text("A1")

    with saved(page, "best-so-far", "CSV", tmp_path).open() as file:
        lines = list(csv.DictReader(file))
    assert [int(line["run"]) for line in lines] == list(range(1, RUNS + 1))
    assert float(lines[-1]["best_so_far"]) == max(float(line["accuracy"]) for line in lines)
    drawing = saved(page, "parallel", "SVG", tmp_path).read_text()
    assert "Parameters and objective · line" in drawing
    assert "var(" not in drawing
    assert "class=" not in drawing
    assert saved(page, "timeline", "PNG", tmp_path).read_bytes().startswith(b"\x89PNG")

    page.set_viewport_size(PHONE)  # type: ignore[arg-type]  # a TypedDict
    expect(page.locator("#parallel .brush-area.is-flat")).to_have_count(3)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("link", name="Runs", exact=True).click()
    expect(page.locator("#overview")).to_be_visible()
