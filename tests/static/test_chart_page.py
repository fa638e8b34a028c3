"""A chart of curves in Chromium: the real template and scripts, and series that the test gives."""

import uuid
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


def points(number: int, count: int, *values: float) -> list[dict[str, Any]]:
    """What the socket brings of a run that then has so many points."""
    steps = list(range(count - len(values), count))
    return [
        {
            "run": f"run-{number}", "number": number, "attempt": 1, "name": "loss", "count": count,
            "steps": steps, "values": values, "times": [100 + n for n in steps],
        }
    ]  # fmt: skip


def saved(page: Page, kind: str) -> tuple[str, str]:
    """The name of what the chart's menu saves, and the text in it."""
    page.locator(".download-menu summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Download {kind}").click()
    return download.value.suggested_filename, download.value.path().read_text("latin-1")


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
    files = {"points_view": "api_run_points", "points_pk": uuid.uuid4()}
    html = render_to_string("components/chart.html", chart | files | {"series_url": "/series/?x="} | context)
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
    one, two = run(1, [1, 2]), run(2, [2, 1])
    for chosen, runs, left_out, text in (
        (1, [one], 0, "The selected run."),
        (2, [one, two], 0, "The 2 selected runs."),
        (3, [one, two], 0, "2 of 3 selected runs have loss."),
        (7, [one, two], 5, "The newest 2 of 7 selected runs."),
    ):
        part.answer("/series/", answer(*runs, left_out=left_out))
        part.tell("select:changed", [str(number) for number in range(chosen)])
        expect(note).to_have_text(text)
    part.answer("/series/", answer(run(1, [1, 2]), left_out=3))
    part.tell("select:changed", [])
    expect(note).to_contain_text("3 older ones are left out.")


def test_a_picture_has_what_the_chart_shows(part: Part) -> None:
    page = opened(part, run(1, [1, 2, 3], lr=1), run(2, [2, 3, 5], lr=1), run(3, [4], lr=2))
    name, drawing = saved(page, "SVG")
    assert name == "digits-loss.svg"
    assert drawing.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert ">Digits: loss<" in drawing
    assert (drawing.count("<polyline"), drawing.count("<circle"), drawing.count("<polygon")) == (2, 1, 0)
    display(page, "Mean and deviation of").select_option("param:lr")
    assert saved(page, "SVG")[1].count("<polygon") == 1
    display(page, "Mean and deviation of").select_option("")
    display(page, "Smoothing").fill("0.5")
    assert saved(page, "SVG")[1].count("<polyline") == 5
    name, picture = saved(page, "PNG")
    assert name == "digits-loss.png"
    assert "PNG" in picture[:8]


def test_files_of_a_run_have_its_number(part: Part) -> None:
    page = opened(part, run(7, [1, 2]), run=SimpleNamespace(number=7))
    name, drawing = saved(page, "SVG")
    assert name == "digits-7-loss.svg"
    assert ">Digits, run #7: loss<" in drawing


def test_a_chart_of_machines_appears_with_the_first_sample(part: Part) -> None:
    part.page.clock.install()
    page = opened(part, system=True, id="system", metric="")
    page.clock.run_for(500)
    chart = page.locator("#system")
    expect(chart).to_be_hidden()
    part.answer("/series/", answer(run(1, [1, 2])))
    part.tell("live:refetch")
    page.clock.run_for(2_000)
    expect(chart).to_be_visible()
    # Once more, at the width that it has now.
    width = page.locator("[data-chart-plot]").evaluate("plot => plot.clientWidth")
    page.clock.run_for(2_000)
    part.wait(lambda: f"width={width}" in part.asked[-1])


def test_what_comes_while_nobody_looks_is_drawn_when_somebody_does(part: Part) -> None:
    page = opened(part, run(1, [1, 2]))
    plot = page.locator("[data-chart-plot]")
    expect(plot).to_have_attribute("aria-label", "loss over steps, last values: run 1 2")
    part.hide(True)
    part.tell("live:points", points(1, 3, 7))
    page.wait_for_timeout(500)
    expect(plot).to_have_attribute("aria-label", "loss over steps, last values: run 1 2")
    part.hide(False)
    expect(plot).to_have_attribute("aria-label", "loss over steps, last values: run 1 7")


@pytest.mark.parametrize("trouble", [None, 502])
def test_a_portal_that_is_away_is_asked_again(part: Part, trouble: int | None) -> None:
    part.page.clock.install()
    page = opened(part)
    part.answer("/series/", trouble)
    part.tell("select:changed", [])
    page.clock.run_for(300)
    part.wait(lambda: len(part.asked) == 2)
    part.answer("/series/", answer(run(1, [1, 2])))
    page.wait_for_timeout(200)
    page.clock.run_for(6_000)
    part.wait(lambda: len(part.asked) == 3)
    page.clock.run_for(1_000)
    expect(page.locator("[data-chart-plot]")).to_have_attribute(
        "aria-label", "loss over steps, last values: run 1 2"
    )


def test_a_mistake_of_ours_is_not_taken_for_a_portal_that_is_away(part: Part) -> None:
    opened(part)
    part.answer("/series/", {"metric": "loss"})
    part.tell("select:changed", [])
    part.wait(lambda: part.errors != [])
    part.errors.clear()
    part.answer("/series/", answer(run(1, [1, 2])))
    part.tell("select:changed", [])
    expect(part.page.locator(".uplot")).to_be_visible()


def test_the_read_out_is_announced(part: Part) -> None:
    page = opened(part, run(1, [1, 2]))
    page.get_by_role("group", name="loss over steps").press("ArrowRight")
    expect(page.locator("[data-chart-plot]").get_by_role("status")).to_contain_text("Step 0")


def test_the_legend_follows_the_grouping(part: Part) -> None:
    page = opened(part, run(1, [1, 2], lr=1, depth=3), run(2, [2, 1], lr=2, depth=4))
    buttons = page.locator("[data-chart-legend] button")
    for name, texts in (("lr", ["lr 1 (#1)", "lr 2 (#2)"]), ("depth", ["depth 3 (#1)", "depth 4 (#2)"])):
        display(page, "Mean and deviation of").select_option(f"param:{name}")
        expect(buttons).to_have_text(texts)
    buttons.first.click()
    part.answer("/series/", answer(*(run(n, [1, 2], lr=1, depth=3 + n % 2) for n in (1, 2, 3))))
    part.tell("select:changed", [])
    expect(buttons).to_have_text(["depth 4 (2 runs)", "depth 3 (#2)"])
    expect(buttons.first).to_have_attribute("aria-pressed", "true")
    expect(buttons.last).to_have_attribute("aria-pressed", "false")
