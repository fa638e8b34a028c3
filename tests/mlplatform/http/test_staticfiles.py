import io
import threading
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.http import HttpRequest, HttpResponse
from django.test import RequestFactory

from mlplatform.http.staticfiles import ManifestStorage, StaticFilesMiddleware, VendorFinder

FILES = {
    "vendor/inter.woff2": "x/dist/x.woff2",  # app.css names it
    "vendor/x.css": "x/dist/x.min.css",
    "vendor/x.js": "x/dist/x.min.js",
}


@pytest.fixture
def packages(tmp_path: Path, settings: Any) -> Path:
    """One npm package with a minified file that names a source map which is not there."""
    folder = tmp_path / "node_modules" / "x" / "dist"
    folder.mkdir(parents=True)
    (folder / "x.min.css").write_text("a{color:red}\n/*# sourceMappingURL=x.min.css.map */")
    (folder / "x.min.js").write_text("let x=1;\n//# sourceMappingURL=x.min.js.map")
    (folder / "x.woff2").write_bytes(b"font")
    (folder / "unused.js").write_text("")
    settings.VENDOR_DIR, settings.VENDOR_FILES = tmp_path / "node_modules", FILES
    settings.STATIC_ROOT = str(tmp_path / "collected")
    return folder


def test_only_listed_files_are_found(packages: Path) -> None:
    finder = VendorFinder()
    assert [name for name, _ in finder.list([])] == list(FILES)
    assert [name for name, _ in finder.list(["*.js"])] == ["vendor/inter.woff2", "vendor/x.css"]
    assert finder.find("vendor/x.js") == str(packages / "x.min.js")
    assert finder.find("vendor/x.js", find_all=True) == [str(packages / "x.min.js")]
    assert finder.find("vendor/unused.js") == []
    assert finder.check() == []


def test_missing_package_names_the_remedy(packages: Path) -> None:
    (packages / "x.min.js").unlink()
    with pytest.raises(FileNotFoundError, match="npm ci"):
        list(VendorFinder().list([]))


def test_collectstatic_hashes_names_and_imports(packages: Path, settings: Any) -> None:
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "mlplatform.http.staticfiles.ManifestStorage"}
    }
    call_command("collectstatic", "--no-input", verbosity=0, stdout=io.StringIO())
    collected = Path(settings.STATIC_ROOT)
    names = ManifestStorage().hashed_files
    assert names["vendor/x.js"].startswith("vendor/x.")
    importing = (collected / names["app/js/curves/curves.js"]).read_text()
    for imported in ("curves/plot", "series"):
        assert Path(names[f"app/js/{imported}.js"]).name in importing
    assert "sourceMappingURL=x.min.css.map" in (collected / names["vendor/x.css"]).read_text()
    assert (collected / f"{names['app/css/pages.css']}.gz").exists()
    assert not (collected / "rest_framework").exists()


def test_only_requests_for_static_files_leave_their_thread(settings: Any, tmp_path: Path) -> None:
    settings.STATIC_ROOT = str(tmp_path)
    (tmp_path / "a.txt").write_text("served")
    seen: list[int] = []

    def view(request: HttpRequest) -> HttpResponse:
        seen.append(threading.get_ident())
        return HttpResponse("view")

    middleware = StaticFilesMiddleware(view)
    assert middleware(RequestFactory().get("/harness/v1/leases")).getvalue() == b"view"
    assert seen == [threading.get_ident()]
    found = middleware(RequestFactory().get("/static/a.txt"))
    assert (found.status_code, found["Content-Length"]) == (200, "6")
    assert len(seen) == 1
    assert middleware(RequestFactory().get("/static/b.txt")).getvalue() == b"view"
