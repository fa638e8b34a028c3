"""The text of a log as a file, which pages and REST share."""

from django.http import QueryDict, StreamingHttpResponse

from experiments.models import Run
from experiments.selectors.logs import log_stream, log_streams, log_text
from mlplatform.http.downloads import text_download
from mlplatform.http.query import flag_in


def log_file(run: Run, query: QueryDict, accepted: str) -> StreamingHttpResponse:
    """All that a run which the caller may see has printed, or what `?attempt=` and `?rank=` leave of it.

    `?colors=1` keeps colour codes. `accepted` is the header Accept-Encoding. Raises InvalidInput, NotFound or Busy.
    """
    one = log_stream(run, query)
    streams = [
        stream
        for stream in log_streams(run)
        if (not query.get("attempt") or stream.attempt == one.attempt)
        and (not query.get("rank") or stream.rank == one.rank)
    ]
    named = [f"-{key}-{query[key]}" for key in ("attempt", "rank") if query.get(key)]
    filename = f"{run.experiment.slug}-{run.number}{''.join(named)}.log"
    parts = log_text(streams, colors=flag_in(query, "colors"))
    return text_download(parts, filename=filename, accepted=accepted)
