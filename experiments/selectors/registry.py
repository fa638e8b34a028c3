"""Registered models and their versions."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, F, Max, Q, QuerySet, Window
from django.db.models.functions import RowNumber

from accounts.models import Project
from accounts.permissions import Person, visible_projects
from accounts.selectors.projects import project_get
from experiments.models import ModelVersion
from mlplatform.kernel.errors import NotFound

MODELS = 50
# Versions of a model whose objective its line draws.
DRAWN = 20
MAX_VERSIONS = 200


@dataclass(frozen=True)
class ModelLine:
    """A model: its newest version, how many there are, and the objectives of the last ones, oldest first."""

    newest: ModelVersion
    count: int
    objectives: list[float | None]


def model_versions(project: Project) -> "QuerySet[ModelVersion]":
    """Model versions of a project, newest first, with their runs."""
    rows = ModelVersion.objects.filter(project=project).select_related("project", "run__experiment")
    return rows.order_by("-created_at")


def model_version_get(user: Person, project_slug: str, name: str, version: int) -> ModelVersion:
    """One model version, if the person may see its project. Raises NotFound."""
    project = project_get(user, project_slug)
    rows = model_versions(project).select_related("run__experiment__bundle", "run__experiment__project")
    found = rows.filter(name=name, version=version).first()
    if found is None:
        raise NotFound(f"{project.name} has no model {name} with a version {version}.")
    return found


def versions_of(project: Project, name: str) -> list[ModelVersion]:
    """The last versions of a model, newest first. Raises NotFound."""
    found = list(model_versions(project).filter(name=name).order_by("-version")[:MAX_VERSIONS])
    if not found:
        raise NotFound(f"{project.name} has no model {name}.")
    return found


def model_page(
    user: Person, *, project: Project | None = None, words: str = "", number: str = "1"
) -> "tuple[list[ModelLine], Page[Any]]":
    """Models of a project, or of all that the person may see, the newest first. Three queries."""
    rows = ModelVersion.objects.filter(project__in=visible_projects(user))
    if project:
        rows = rows.filter(project=project)
    for word in words.split():
        rows = rows.filter(Q(name__icontains=word) | Q(project__name__icontains=word))
    # Names are those of MLflow, so of all projects together each is one.
    names = rows.order_by().values("name").annotate(count=Count("*"), at=Max("created_at"))
    page = Paginator(names.order_by("-at", "name"), MODELS).get_page(number)
    counts = {row["name"]: row["count"] for row in page}
    place = Window(RowNumber(), partition_by="name", order_by=F("version").desc())
    last = (
        ModelVersion.objects.filter(name__in=list(counts))
        .annotate(place=place)
        .filter(place__lte=DRAWN)
        .select_related("project", "run__experiment")
        .order_by("name", "version")
    )
    versions: dict[str, list[ModelVersion]] = defaultdict(list)
    for version in last:
        versions[version.name].append(version)
    lines = [
        ModelLine(found[-1], count, [each.objective for each in found])
        for name, count in counts.items()
        if (found := versions[name])
    ]
    return lines, page
