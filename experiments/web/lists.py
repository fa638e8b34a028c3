"""What the address of a list asks for, and links to its other pages."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Page
from django.http import HttpRequest

from experiments.states import ExperimentState

MAX_WORDS = 200


@dataclass(frozen=True)
class Wanted:
    """What the address asks a list for. Everything else in it is passed over."""

    words: str = ""
    state: str = ""
    order: str = ""

    @classmethod
    def of(cls, request: HttpRequest) -> "Wanted":
        """From ?q=, ?state= and ?sort=."""
        state = request.GET.get("state", "")
        return cls(
            words=request.GET.get("q", "").strip()[:MAX_WORDS],
            state=state if state in ExperimentState.values else "",
            order=request.GET.get("sort", ""),
        )

    @property
    def is_any(self) -> bool:
        """Whether everything is wanted."""
        return not (self.words or self.state)

    def href(self, **changes: object) -> str:
        """As a link from the page itself."""
        given = {"q": self.words, "state": self.state, "sort": self.order} | changes
        return f"?{urlencode({name: value for name, value in given.items() if value})}"


def beside(wanted: Wanted, page: "Page[Any]") -> dict[str, str]:
    """Links to the pages before and after this one, empty where there is none."""
    before = wanted.href(page=page.previous_page_number()) if page.has_previous() else ""
    after = wanted.href(page=page.next_page_number()) if page.has_next() else ""
    return {"previous_page": before, "following_page": after}
