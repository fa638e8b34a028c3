"""Files stay small enough to fit in the head. Make a file smaller rather than a limit larger."""

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("mlplatform", "accounts", "runners", "experiments")
LIMITS = [
    *[(package, "*.py", 300) for package in PACKAGES],
    ("tests", "*.py", 400),
    ("templates", "*.html", 120),
    ("static/app", "*.js", 300),
]


@pytest.mark.parametrize(("folder", "pattern", "limit"), LIMITS)
def test_files_are_short(folder: str, pattern: str, limit: int) -> None:
    files = [path for path in (ROOT / folder).rglob(pattern) if "migrations" not in path.parts]
    lengths = {str(path.relative_to(ROOT)): len(path.read_text().splitlines()) for path in files}
    assert lengths
    assert {name: length for name, length in lengths.items() if length > limit} == {}
