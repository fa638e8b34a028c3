"""A chart of curves in Chromium: the real template and scripts, and series that the test gives."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Locator, Page, expect

from tests.static.conftest import Part

pytestmark = pytest.mark.browser

EXPERIMENT = SimpleNamespace(name="Digits", slug="digits")
TABLE = """<form data-select><strong data-select-count></strong><table><tbody>
<tr><td><input type="checkbox" name="run" value="1"></td></tr>
<tr><td><input type="checkbox" name="run" value="2"></td></tr>
</tbody></table></form>"""
SCRIPTS = ("app/js/page.js", "app/js/select.js", "app/js/curves/curves.js")


def run(number: int, values: list[float | None], **params: Any) -> dict[str, Any]:
    """A run of a series' answer."""
    steps = list(range(len(values)))
    return {
        "id": f"run-{number}", "number": number, "attempt": 1, "count": len(values), "set": number,
        "params": params, "start": 100, "steps": steps, "values": values, "times": [100 + n for n in steps],
    }  # fmt: skip


def answer(*runs: dict[str, Any], left_out: int = 0, metrics: tuple[str, ...] = ("loss",)) -> dict[str, Any]:
    """What the portal answers."""
    return {
        "metric": metrics[0] if metrics else "", "metrics": metrics, "runs": runs, "runs_shown": len(runs),
        "dropped": [], "left_out": left_out,
    }  # fmt: skip


def saved(page: Page, kind: str) -> tuple[str, str]:
    """The name of what the chart's menu saves, and the text in it."""
    page.locator(".download-menu summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {kind}").click()
    return download.value.suggested_filename, download.value.path().read_text()


def display(page: Page, label: str) -> Locator:
    """A field of the menu of what is shown."""
    field = page.get_by_label(label)
    if not field.is_visible():
        page.get_by_text("Display").click()
    return field


def opened(part: Part, *runs: dict[str, Any], **context: Any) -> Page:
    """The page of an experiment with these runs, once its curves are drawn."""
    part.answer("/series/", answer(*runs))
    chart = {"title": "Curves", "keep": 1, "many": True, "experiment": EXPERIMENT, "metric": "loss"}
    html = render_to_string(
        "components/chart.html", chart | {"series_url": "/series/?x=", "points_url": "/points/"} | context
    )
    page = part.open(html + TABLE, *SCRIPTS, plain=("vendor/uplot.min.js",))
    if runs:
        page.locator(".uplot").wait_for()
    return page


def test_escape_is_for_the_open_menu_and_the_chart_before_it_is_for_the_selection(part: Part) -> None:
    page = opened(part, run(1, [1, 2]), run(2, [2, 1]))
    count = page.locator("[data-select-count]")
    page.locator("[name=run]").first.check()
    page.get_by_text("Display").click()
    page.keyboard.press("Escape")
    assert page.locator("details[open]").count() == 0
    assert count.inner_text() == "1 selected"
    page.locator("[data-chart-plot]").press("ArrowRight")
    page.keyboard.press("Escape")
    assert count.inner_text() == "1 selected"
    page.locator("[name=run]").last.press("Escape")
    assert count.inner_text() == "0 selected"


def test_what_is_said_of_selected_runs(part: Part) -> None:
    page = opened(part, run(1, [1, 2]), run(2, [2, 1]))
    note = page.locator("[data-chart-note]")
    expect(note).to_be_hidden()
    for runs, left_out, text in (
        ([run(1, [1, 2])], 0, "The selected run."),
        ([run(1, [1, 2]), run(2, [2, 1])], 0, "The 2 selected runs."),
        ([run(1, [1, 2]), run(2, [2, 1])], 5, "The newest 2 of 7 selected runs."),
    ):
        part.answer("/series/", answer(*runs, left_out=left_out))
        part.tell("select:changed", ["1"])
        expect(note).to_have_text(text)
    part.answer("/series/", answer(run(1, [1, 2]), left_out=3))
    part.tell("select:changed", [])
    expect(note).to_contain_text("3 older ones are left out.")


def test_a_picture_has_what_the_chart_shows(part: Part) -> None:
    page = opened(part, run(1, [1, 2, 3], lr=1), run(2, [2, 3, 5], lr=1), run(3, [4], lr=2))
    name, drawing = saved(page, "SVG")
    assert name == "digits-loss.svg"
    assert ">Digits: loss<" in drawing
    assert (drawing.count("<polyline"), drawing.count("<circle"), drawing.count("<polygon")) == (2, 1, 0)
    display(page, "Mean and deviation of").select_option("param:lr")
    assert saved(page, "SVG")[1].count("<polygon") == 1
    display(page, "Mean and deviation of").select_option("")
    display(page, "Smoothing").fill("0.5")
    assert saved(page, "SVG")[1].count("<polyline") == 5


def test_files_of_a_run_have_its_number(part: Part) -> None:
    page = opened(part, run(7, [1, 2]), run=SimpleNamespace(number=7))
    name, drawing = saved(page, "SVG")
    assert name == "digits-7-loss.svg"
    assert ">Digits, run #7: loss<" in drawing
