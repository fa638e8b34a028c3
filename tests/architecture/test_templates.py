"""House rules of the browser side that no linter knows."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
ASSETS = sorted(path for path in (ROOT / "static" / "app").rglob("*") if path.suffix in {".js", ".css"})
MAX_PAGE_BYTES = 300 * 1024


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_template(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 120
    assert text.startswith(("{# ", "{% load allauth %}<")), (
        "begin with a comment that names context and events"
    )
    assert not re.search(r"\sstyle=|<style|<script>|\son\w+=|javascript:", text), (
        "the policy allows nothing inline"
    )
    assert not re.search(r"https?://(?!www\.w3\.org)", text), "nothing comes from elsewhere"
    get_template(str(path.relative_to(ROOT / "templates")))


@pytest.mark.parametrize("path", TEMPLATES, ids=name)
def test_fragment_is_named_like_its_root_element(path: Path) -> None:
    for fragment, element in re.findall(
        r"{% partialdef ([\w-]+) inline %}\s*<\w+ id=\"([\w-]+)\"", path.read_text()
    ):
        assert fragment == element


@pytest.mark.parametrize("path", ASSETS, ids=name)
def test_asset(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    assert "eval(" not in text
    assert "http://" not in text.replace("http://www.w3.org", "")


def test_fragments_that_views_name_exist() -> None:
    for view in (ROOT / "experiments" / "web").glob("*.py"):
        for template, fragment in re.findall(
            r'"([\w/]+\.html)", context, fragment="([\w-]+)"', view.read_text()
        ):
            get_template(f"{template}#{fragment}")


def test_first_page_is_light() -> None:
    # The page that describes the API is nobody's first.
    sources = [source for source in settings.VENDOR_FILES.values() if not source.startswith("swagger")]
    vendor = [settings.VENDOR_DIR / source for source in sources]
    if not all(path.is_file() for path in vendor):
        pytest.skip("the npm packages are not installed")
    icons = ROOT / "static" / "app" / "img" / "icons.svg"
    assert sum(len(gzip.compress(path.read_bytes())) for path in [*vendor, *ASSETS, icons]) < MAX_PAGE_BYTES


def test_packages_come_from_no_named_registry() -> None:
    assert "resolved" not in (ROOT / "static" / "package-lock.json").read_text()
