"""The page of what happened to an experiment and its runs."""

from django.http import HttpResponse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.web.access import SignedInRequest, signed_in
from experiments.selectors.events import event_kinds, event_page
from experiments.selectors.experiments import experiment_get
from experiments.web.heads import experiment_head
from mlplatform.http.pages import render_page
from mlplatform.kernel.errors import InvalidInput

# More digits than any run's number has.
MAX_DIGITS = 9


@require_safe
@signed_in
def events(request: SignedInRequest, project: str, slug: str) -> HttpResponse:
    """Events, newest first: of one `?kind=`, of the run `?run=`, from the cursor `?after=` on."""
    found = experiment_get(request.user, project, slug)
    kind, number = request.GET.get("kind", ""), request.GET.get("run", "").strip()
    if number and not (number.isascii() and number.isdecimal() and len(number) <= MAX_DIGITS):
        raise InvalidInput(f"run is {number[:40]!r}; write the number of a run.", field="run")
    after = request.GET.get("after", "")
    shown = event_page(found, kind=kind, run=int(number) if number else None, cursor=after)
    chosen = {name: value for name, value in (("kind", kind), ("run", number)) if value}
    context = {
        **experiment_head(request, found),
        "events": shown.events,
        "kinds": [(one, one.replace("_", " ").capitalize()) for one in event_kinds(found)],
        "kind": kind,
        "run_number": number,
        "is_first": not after,
        "first_page": f"?{urlencode(chosen)}",
        "previous_page": _link(chosen, shown.page.previous),
        "following_page": _link(chosen, shown.page.following),
    }
    return render_page(request, "experiments/events.html", context, fragment="events")


def _link(chosen: dict[str, str], cursor: str) -> str:
    return f"?{urlencode({**chosen, 'after': cursor})}" if cursor else ""
