"""What a run has printed, on its page and as text."""

from dataclasses import dataclass

from django.http import QueryDict, StreamingHttpResponse
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.log_file import log_file
from experiments.models import LogStream, Run
from experiments.selectors.logs import log_lines, log_stream, log_streams
from experiments.selectors.runs import run_get
from experiments.terminal import plain

# Without scripts the page shows so many.
TAIL_LINES = 200


@dataclass(frozen=True)
class LogCard:
    """What the page says of a run's log: one attempt and rank, and which others there are."""

    stream: LogStream
    attempts: list[int]
    ranks: list[int]
    # Each with its colours taken off.
    tail: list[str]
    lines_url: str
    text_url: str

    @property
    def first(self) -> int:
        """Number of the first line of the tail."""
        return self.stream.total - len(self.tail) + 1

    @property
    def chosen(self) -> str:
        """The query that leads here."""
        return urlencode({"attempt": self.stream.attempt, "rank": self.stream.rank})


def log_card(run: Run, query: QueryDict) -> LogCard:
    """For the run's page, where `?attempt=` and `?rank=` choose. Raises InvalidInput or NotFound."""
    stream = log_stream(run, query)
    ranks = {stream.rank, *range(run.experiment.workers)}
    ranks |= {each.rank for each in log_streams(run) if each.attempt == stream.attempt}
    tail = log_lines(stream, max(1, stream.total + 1 - TAIL_LINES), TAIL_LINES)
    # One answer does not hold so many very long lines.
    while tail and tail[-1].number < stream.total:
        tail = log_lines(stream, tail[-1].number + 1, TAIL_LINES)
    place = [run.experiment.project.slug, run.experiment.slug, run.number]
    return LogCard(
        stream=stream,
        attempts=list(range(1, run.attempts_made + 1)),
        ranks=sorted(ranks),
        tail=[plain(line.text) for line in tail],
        lines_url=reverse("api_run_logs", args=[run.pk]),
        text_url=reverse("run_log", args=place),
    )


@require_safe
@signed_in
def log(request: SignedInRequest, project: str, slug: str, number: int) -> StreamingHttpResponse:
    """The whole log as text, or what `?attempt=` and `?rank=` leave of it; `?download=1` makes it a file."""
    found = run_get(request.user, project, slug, number)
    response = log_file(found, request.GET, request.headers.get("Accept-Encoding", ""))
    if not request.GET.get("download"):
        del response["Content-Disposition"]
    return response
