"""Files that are too large: said at the field, or, without scripts, on a page of the portal."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.steps import project, upload

pytestmark = [pytest.mark.browser, pytest.mark.integration]


@pytest.fixture
def large(tmp_path: Path) -> Path:
    """60 MB without a byte on the disk."""
    path = tmp_path / "large.zip"
    with path.open("wb") as file:
        os.truncate(file.fileno(), 60 * 10**6)
    return path


def test_a_large_file_is_refused_at_the_field(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str], large: Path, tmp_path: Path
) -> None:
    page = open_page()
    sign_up(page)
    project(page, "Large")
    page.get_by_role("link", name="New experiment").click()
    expect(page.get_by_role("heading", level=1, name="New experiment")).to_be_visible()
    address = page.url
    upload(page, large)
    expect(page.locator("#code_error")).to_have_text(
        re.compile(r"large\.zip has 58 MiB; at most 50 are taken\.")
    )
    assert page.url == address
    # The button works on once another file is chosen.
    (tmp_path / "own.py").write_text("def train(config):\n    print(config['lr'])\n")
    upload(page, tmp_path / "own.py")
    expect(page.get_by_role("heading", name="Parameters", exact=True)).to_be_visible()


def test_without_scripts_it_is_a_page(
    open_page: Callable[..., Page], sign_up: Callable[[Page], str], large: Path
) -> None:
    page = open_page(scripts=False, expected=413)
    sign_up(page)
    project(page, "Large too")
    page.get_by_role("link", name="New experiment").click()
    upload(page, large)
    expect(page.get_by_text("Leave data out; read it from a shared path instead.")).to_be_visible()
