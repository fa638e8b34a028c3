"""Projects and experiments as their tables list them: found by words, sorted, a page at a time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Max, OrderBy, Q, QuerySet

from accounts.models import Project
from accounts.permissions import Person
from accounts.selectors.projects import project_list
from experiments.models import Experiment
from experiments.selectors.standing import Standing, standings, with_best
from experiments.states import ExperimentState

PROJECTS = 24
EXPERIMENTS = 50
NEWEST_ACTIVITY = OrderBy(F("newest"), descending=True, nulls_last=True)
PROJECT_ORDERS: dict[str, Sequence[Any]] = {
    "name": ("name", "slug"),
    "recent": (NEWEST_ACTIVITY, "-created_at", "slug"),
    "active": ("-active_count", NEWEST_ACTIVITY, "slug"),
}
EXPERIMENT_ORDERS: dict[str, Sequence[str]] = {
    "-created": ("-created_at", "-pk"),
    "created": ("created_at", "pk"),
    "name": ("name", "pk"),
    "-name": ("-name", "-pk"),
}


@dataclass(frozen=True)
class ExperimentPage:
    """Some experiments of a project, which page of how many they are, and how many there are by state."""

    lines: list[Standing]
    page: "Page[Experiment]"
    states: dict[str, int]

    @property
    def total(self) -> int:
        """All of the project, whether they match or not."""
        return sum(self.states.values())


def project_cards(
    user: Person, *, words: str = "", order: str = "name", number: str = "1", archived: bool = False
) -> "Page[Project]":
    """The person's projects, or those that are archived, with `experiment_count`, `active_count` and `newest`.

    Two queries.
    """
    found = project_list(user).filter(archived_at__isnull=not archived)
    for word in words.split():
        found = found.filter(Q(name__icontains=word) | Q(description__icontains=word))
    counted = found.annotate(
        experiment_count=Count("experiments", distinct=True),
        active_count=Count("experiments", filter=Q(experiments__state=ExperimentState.ACTIVE), distinct=True),
        newest=Max("experiments__created_at"),
    )
    ordered = counted.order_by(*PROJECT_ORDERS.get(order, PROJECT_ORDERS["name"]))
    return _Pages(ordered, PROJECTS, found.count()).get_page(number)


def experiment_page(
    project: Project, *, state: str = "", words: str = "", order: str = "-created", number: str = "1"
) -> ExperimentPage:
    """Experiments of a project. Five queries, whatever there is."""
    everything = Experiment.objects.filter(project=project)
    counts = dict(everything.order_by().values_list("state").annotate(count=Count("*")))
    found: QuerySet[Experiment] = everything.filter(state=state) if state else everything
    for word in words.split():
        found = found.filter(
            Q(name__icontains=word) | Q(slug__icontains=word) | Q(created_by__username__icontains=word)
        )
    count = found.count() if words.split() else counts.get(state, 0) if state else sum(counts.values())
    ordered = found.order_by(*EXPERIMENT_ORDERS.get(order, EXPERIMENT_ORDERS["-created"]))
    page = _Pages(ordered.values_list("pk", flat=True), EXPERIMENTS, count).get_page(number)
    ids = list(page)
    # The best of those that are shown only.
    shown = with_best(Experiment.objects.select_related("project", "created_by")).in_bulk(ids)
    states = {each: counts[each] for each in ExperimentState.values if each in counts}
    return ExperimentPage(standings([shown[pk] for pk in ids if pk in shown]), page, states)


class _Pages(Paginator):  # type: ignore[type-arg]
    """Pages of rows that somebody has counted already."""

    def __init__(self, rows: "QuerySet[Any, Any]", size: int, count: int) -> None:
        super().__init__(rows, size)
        # A cached property of the Paginator, so that it does not count again.
        self.count = count
