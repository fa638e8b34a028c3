"""REST: what a run has printed."""

from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.api.authentication import caller
from experiments.log_file import log_file
from experiments.models import LogStream, Run
from experiments.selectors.logs import MAX_NUMBER, log_lines, log_search, log_stream, log_streams
from experiments.selectors.runs import run_by_id
from mlplatform.http.query import number_in
from mlplatform.kernel.errors import InvalidInput

COUNT = 500
MAX_COUNT = 1000
MAX_SEARCH = 200


class RunLogsView(APIView):
    """GET ?attempt=2&rank=0&from=1&count=500: lines; with `search` where a text is.

    A negative `from` counts from the end.
    """

    def get(self, request: Request, pk: UUID) -> Response:
        """200, also where nothing was printed; 404 for a stranger, or an attempt or rank that there is not."""
        run = run_by_id(caller(request), pk)
        query = request.query_params
        stream = log_stream(run, query)
        first = number_in(query, "from", 1, -MAX_NUMBER, MAX_NUMBER)
        first = first if first > 0 else max(1, stream.total + 1 + first)
        count = number_in(query, "count", COUNT, 0, MAX_COUNT)
        wanted = query.get("search", "")
        if wanted:
            return Response(_search(stream, wanted, query.get("ignore_case") == "1", first, count))
        return Response(_lines(run, stream, first, count))


class RunLogTextView(APIView):
    """GET ?attempt=2&rank=0: all of it as a file, of the whole run or of what is named; ?colors=1 keeps colours."""

    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        """200, streamed, and gzipped if the client takes that."""
        run = run_by_id(caller(request), pk)
        return log_file(run, request.query_params, request.headers.get("Accept-Encoding", ""))


def _lines(run: Run, stream: LogStream, first: int, count: int) -> dict[str, Any]:
    return {
        "attempt": stream.attempt,
        "rank": stream.rank,
        "total": stream.total,
        # The last lines, which may still change.
        "open": len(stream.open_rows),
        "lines": [
            {"number": line.number, "time": line.time, "text": line.text}
            for line in log_lines(stream, first, count)
        ],
        "streams": [
            {"attempt": each.attempt, "rank": each.rank, "total": each.total} for each in log_streams(run)
        ],
    }


def _search(stream: LogStream, wanted: str, ignore_case: bool, first: int, count: int) -> dict[str, Any]:
    if len(wanted) > MAX_SEARCH:
        raise InvalidInput(f"search has {len(wanted)} characters; at most {MAX_SEARCH} fit.", field="search")
    found, following = log_search(stream, wanted, ignore_case=ignore_case, first=first, limit=max(1, count))
    return {
        "attempt": stream.attempt,
        "rank": stream.rank,
        "matches": [
            {"number": match.number, "excerpt": match.excerpt, "start": match.start, "end": match.end}
            for match in found
        ],
        # Send it as `from` to go on; null at the end.
        "next": following,
    }
