"""Static files: only those front-end files that pages use are collected from the npm packages."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync, sync_to_async
from django.conf import settings
from django.contrib.staticfiles.finders import AppDirectoriesFinder, BaseFinder
from django.contrib.staticfiles.utils import matches_patterns
from django.core.files.storage import FileSystemStorage, Storage
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from servestatic.middleware import ServeStaticMiddleware
from servestatic.storage import CompressedManifestStaticFilesStorage


class StaticFilesMiddleware:
    """Serves static files. Every other request stays in its thread; ServeStatic alone would take it to the event loop
    and back, which is half of what a small request costs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._serve = async_to_sync(ServeStaticMiddleware(sync_to_async(get_response)))

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """See Django's middleware."""
        is_static = request.path_info.startswith(str(settings.STATIC_URL))
        response: HttpResponseBase = self._serve(request) if is_static else self._get_response(request)
        return response


class UsedAppsFinder(AppDirectoriesFinder):
    """Static files of the apps in settings.STATICFILES_APPS only: the others bring files that no page of ours names."""

    def __init__(self, app_names: Iterable[str] | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(app_names or settings.STATICFILES_APPS, *args, **kwargs)


class VendorFinder(BaseFinder):
    """Finds the files of settings.VENDOR_FILES: name under which we serve it -> path in the folder of npm packages."""

    def check(self, **kwargs: Any) -> list[Any]:
        """Nothing to check: a missing file is an error of collectstatic, with the command that brings it."""
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:
        """Full path of a served name, or an empty list."""
        source = settings.VENDOR_FILES.get(path)
        found = [str(settings.VENDOR_DIR / source)] if source else []
        return found if find_all or not found else found[0]

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterator[tuple[str, Storage]]:
        """Every served name with a storage that opens it. Raises FileNotFoundError naming the remedy."""
        storage = _VendorStorage(location=settings.VENDOR_DIR)
        for name, source in settings.VENDOR_FILES.items():
            if not Path(settings.VENDOR_DIR, source).is_file():
                raise FileNotFoundError(
                    f"{source} is not in {settings.VENDOR_DIR}. Run `npm ci` in the folder static."
                )
            if not matches_patterns(name, [*(ignore_patterns or ())]):
                yield name, storage


class _VendorStorage(FileSystemStorage):
    """Reads served names from their place in the npm packages."""

    def path(self, name: str) -> str:
        """See Django."""
        return super().path(settings.VENDOR_FILES.get(name, name))


class ManifestStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # servestatic has no types
    """Hashed and compressed names. Source maps that minified packages name are not served and stay as they are."""

    patterns = (("*.css", (r"""(?P<matched>url\(['"]{0,1}\s*(?P<url>.*?)["']{0,1}\))""",)),)
    support_js_module_import_aggregation = True
