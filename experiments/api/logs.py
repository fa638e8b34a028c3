"""REST: what a run has printed."""

from typing import TypedDict
from uuid import UUID

from django.http import StreamingHttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from accounts.api.authentication import caller
from experiments.log_file import log_file
from experiments.models import LogStream, Run
from experiments.selectors.logs import MAX_NUMBER, log_lines, log_search, log_stream, log_streams
from experiments.selectors.runs import run_by_id
from mlplatform.http.answers import Answer
from mlplatform.http.query import flag_in, number_in
from mlplatform.http.schema import query
from mlplatform.kernel.errors import InvalidInput

COUNT = 500
MAX_COUNT = 1000
MAX_SEARCH = 200
STREAM = [
    query("attempt", int, "Which attempt; the latest by default."),
    query("rank", int, "Which worker; 0 by default."),
]


class LineJson(TypedDict):
    """A line; `time` in Unix seconds."""

    number: int
    time: float | None
    text: str


class StreamJson(TypedDict):
    """A worker of an attempt, and how many lines it printed."""

    attempt: int
    rank: int
    total: int


class LinesJson(TypedDict):
    """Lines, of which the last `open` ones may still change."""

    attempt: int
    rank: int
    total: int
    open: int
    lines: list[LineJson]
    streams: list[StreamJson]


class MatchJson(TypedDict):
    """Where a text is."""

    number: int
    excerpt: str
    start: int
    end: int


class MatchesJson(TypedDict):
    """Where a text is. Send `next` as `from` to go on; null at the end."""

    attempt: int
    rank: int
    matches: list[MatchJson]
    next: int | None


class RunLogsView(APIView):
    """GET ?attempt=2&rank=0&from=1&count=500: lines; with `search` where a text is.

    A negative `from` counts from the end.
    """

    @extend_schema(
        parameters=[
            *STREAM,
            query("from", int, "The first line; a negative one counts from the end."),
            query("count", int, f"How many lines or matches, at most {MAX_COUNT}."),
            query("search", str, "A text to find."),
            query("ignore_case", str, "1: whatever its case.", enum=["0", "1"]),
        ]
    )
    def get(self, request: Request, pk: UUID) -> Answer[LinesJson | MatchesJson]:
        """200, also where nothing was printed; 404 for a stranger, or an attempt or rank that there is not."""
        run = run_by_id(caller(request), pk)
        asked = request.query_params
        stream = log_stream(run, asked)
        first = number_in(asked, "from", 1, -MAX_NUMBER, MAX_NUMBER)
        first = first if first > 0 else max(1, stream.total + 1 + first)
        count = number_in(asked, "count", COUNT, 0, MAX_COUNT)
        wanted, ignore_case = asked.get("search", ""), flag_in(asked, "ignore_case")
        if wanted:
            return Answer(_search(stream, wanted, ignore_case, first, count))
        return Answer(_lines(run, stream, first, count))


class RunLogTextView(APIView):
    """GET ?attempt=2&rank=0: all of it as a file, of the whole run or of what is named; ?colors=1 keeps colours."""

    media_types = ("text/plain",)

    @extend_schema(parameters=[*STREAM, query("colors", str, "1: with colour codes.", enum=["0", "1"])])
    def get(self, request: Request, pk: UUID) -> StreamingHttpResponse:
        """200, streamed, and gzipped if the client takes that."""
        run = run_by_id(caller(request), pk)
        return log_file(run, request.query_params, request.headers.get("Accept-Encoding", ""))


def _lines(run: Run, stream: LogStream, first: int, count: int) -> LinesJson:
    return {
        "attempt": stream.attempt,
        "rank": stream.rank,
        "total": stream.total,
        "open": len(stream.open_rows),
        "lines": [
            {"number": line.number, "time": line.time, "text": line.text}
            for line in log_lines(stream, first, count)
        ],
        "streams": [
            {"attempt": each.attempt, "rank": each.rank, "total": each.total} for each in log_streams(run)
        ],
    }


def _search(stream: LogStream, wanted: str, ignore_case: bool, first: int, count: int) -> MatchesJson:
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
        "next": following,
    }
