"""query.js in Chromium: the box of the query above the runs, while the page around it is drawn anew."""

import pytest

from tests.static.conftest import Part

pytestmark = pytest.mark.browser

HTML = """<form><div id="query-box"><input id="where" name="where" value="" list="query-fields"></div>
<datalist id="query-fields"><option value="state" data-operators="= != in" data-values='["queued", "failed"]'></option>
<option value="params.lr" data-operators="= &lt;" data-values="[]"></option></datalist></form>"""


def test_what_is_typed_survives_a_swap_and_a_link_replaces_it(part: Part) -> None:
    page = part.open(HTML, "app/js/query.js")
    box = page.locator("#where")
    box.fill("lr > 0.1")
    page.keyboard.press("Tab")
    part.tell("htmx:after:swap")
    assert box.input_value() == "lr > 0.1"
    page.evaluate("history.pushState(null, '', '?where=state+%3D+failed')")
    part.tell("htmx:after:swap")
    assert box.input_value() == "state = failed"
    page.evaluate("history.pushState(null, '', '/')")
    part.tell("htmx:after:swap")
    assert box.input_value() == ""


def test_a_query_by_keys(part: Part) -> None:
    page = part.open(HTML, "app/js/query.js")
    box = page.get_by_role("combobox")
    box.press_sequentially("st")
    keys = ("ArrowDown", "Enter", "ArrowDown", "Tab", "f", "ArrowDown")
    for key in keys:
        box.press(key)
    marked = page.get_by_role("listbox", name="Values").get_by_role("option", name="failed", selected=True)
    assert box.get_attribute("aria-activedescendant") == marked.get_attribute("id")
    box.press("Enter")
    assert box.input_value() == "state = failed "
    assert page.get_by_role("option").all_text_contents() == ["and", "or"]
    box.press("Escape")
    assert page.get_by_role("option").count() == 0
    assert box.get_attribute("aria-expanded") == "false"


def test_nothing_is_taken_into_another_text_than_it_was_offered_for(part: Part) -> None:
    page = part.open(HTML, "app/js/query.js")
    page.locator("#where").fill("params")
    page.locator("#where").evaluate("box => { box.setRangeText('state = x and', 0, 6, 'end') }")
    page.get_by_role("option", name="params.lr").dispatch_event("mousedown")
    assert page.locator("#where").input_value() == "state = x and"
    assert page.get_by_role("option").count() == 0
