"""The download that pages and REST share."""

from collections.abc import Iterable

from django.http import QueryDict, StreamingHttpResponse

from experiments.export import format_named
from experiments.models import Run
from experiments.selectors.export import exact
from mlplatform.http.downloads import download


def points_file(runs: Iterable[Run], query: QueryDict, stem: str, kind: str) -> StreamingHttpResponse:
    """All points of runs that the caller may see, of the metrics that `?name=` says. Raises InvalidInput or Busy."""
    file = format_named(kind)
    parts = file.encode(exact(runs, query.getlist("name")))
    return download(parts, filename=f"{stem}-points.{kind}", content_type=file.content_type)
