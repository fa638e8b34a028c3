"""keys.js in Chromium: from row to row of the runs table by keys."""

import pytest
from django.template.loader import render_to_string
from playwright.sync_api import Page

from tests.static.conftest import Part

pytestmark = pytest.mark.browser

ROW = """<tr id="run-{0}"><th scope="row"><input type="checkbox" name="run" value="{0}">
<a class="row-link" href="/r/{0}/">{0}</a></th></tr>"""


@pytest.fixture
def page(part: Part) -> Page:
    rows = "".join(ROW.format(number) for number in (1, 2, 3))
    table = f'<form data-select><table class="runs-table"><tbody>{rows}</tbody></table></form>'
    bar = '<input id="where" name="where"><button type="button" data-keys hidden>?</button>'
    html = bar + table + render_to_string("experiments/partials/keys.html")
    return part.open(html, "app/js/select.js", "app/js/keys.js")


def press(page: Page, keys: str) -> str:
    """Press them one after another; the text of what has the focus then."""
    for key in keys.split():
        page.keyboard.press(key)
    return str(page.evaluate("document.activeElement.textContent.trim()"))


def test_rows(part: Part, page: Page) -> None:
    part.answer("/r/2/", {})
    assert press(page, "j") == "1"
    assert press(page, "j j j j") == "3"
    assert press(page, "k") == "2"
    assert press(page, "ArrowUp") == "1"
    assert press(page, "k ArrowDown x") == "2"
    assert page.locator(".runs-table input:checked").input_value() == "2"
    press(page, "x")
    assert page.locator(".runs-table input:checked").count() == 0
    page.keyboard.press("Enter")
    page.wait_for_url("**/r/2/")


def test_a_refetch_that_draws_rows_anew_leaves_the_focus(part: Part, page: Page) -> None:
    assert press(page, "j j") == "2"
    page.evaluate("""const body = document.querySelector(".runs-table tbody");
        body.prepend(body.querySelector("#run-3")); body.append(body.querySelector("#run-2"))""")
    part.tell("htmx:after:swap")
    assert press(page, "k") == "1"


def test_keys_are_letters_where_somebody_types(page: Page) -> None:
    press(page, "/ j x / ?")
    assert page.locator("#where").input_value() == "jx/?"
    assert page.locator("dialog[open]").count() == 0


def test_the_list_of_keys_and_its_switch(page: Page) -> None:
    press(page, "?")
    page.get_by_role("dialog", name="Keys of the runs table").wait_for()
    assert press(page, "j") == "Close"
    page.get_by_label("Listen to keys").uncheck()
    page.get_by_role("button", name="Close").click()
    press(page, "j ?")
    assert page.locator("dialog[open], .row-link:focus").count() == 0
    page.locator("[data-keys]").click()
    assert page.locator("dialog[open]").count() == 1
    page.reload()
    press(page, "j")
    assert page.locator(".row-link:focus").count() == 0
