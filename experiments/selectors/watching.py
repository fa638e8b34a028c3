"""Who may watch what: the same answer as the pages give, for many sockets at once."""

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from accounts.models import Project
from accounts.permissions import roles_in, suffices
from accounts.selectors.callers import Caller, callers_valid
from experiments.models import Experiment, Run
from runners import places

# Close codes of a socket.
NOT_SIGNED_IN = 4401
NOT_FOUND = 4404


class Place(NamedTuple):
    """What a page shows: a project, an experiment, a run, or the queue."""

    kind: str
    pk: UUID


QUEUE = Place(*places.QUEUE)


class Watcher(NamedTuple):
    """Somebody at a place."""

    caller: Caller
    place: Place


def refusals(watchers: Collection[Watcher]) -> dict[Watcher, int]:
    """Those who, as of now, may not watch, with the code to close with. At most seven queries."""
    users = callers_valid({watcher.caller for watcher in watchers})
    projects = _projects({watcher.place for watcher in watchers})
    # By caller: two tokens of one person may open different things.
    seats = {
        (watcher.caller, projects[watcher.place])
        for watcher in watchers
        if watcher.caller in users and watcher.place in projects
    }
    asked = list(seats)
    roles = dict(zip(asked, roles_in([(users[caller], project) for caller, project in asked]), strict=True))

    def may(watcher: Watcher) -> bool:
        if watcher.place == QUEUE:
            return True
        project = projects.get(watcher.place)
        role = roles.get((watcher.caller, project)) if project else None
        return role is not None and suffices(role, "view")

    return {
        watcher: NOT_SIGNED_IN if watcher.caller not in users else NOT_FOUND
        for watcher in watchers
        if watcher.caller not in users or not may(watcher)
    }


def _projects(places: Collection[Place]) -> dict[Place, UUID]:
    """The project of each place that is still there. A query per kind."""
    sources: dict[str, tuple[QuerySet[Any], str]] = {
        "project": (Project.objects.all(), "pk"),
        "experiment": (Experiment.objects.all(), "project_id"),
        "run": (Run.objects.filter(experiment__deleted_at=None), "experiment__project_id"),
    }
    found: dict[Place, UUID] = {}
    for kind, (rows, project) in sources.items():
        wanted = [place.pk for place in places if place.kind == kind]
        if wanted:
            for pk, project_id in rows.filter(pk__in=wanted).values_list("pk", project):
                found[Place(kind, pk)] = project_id
    return found
