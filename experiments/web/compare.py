"""The page that compares some runs of a project, and what its chart fetches."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.http import HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.models import Project
from accounts.selectors.projects import project_get
from accounts.web.access import SignedInRequest, signed_in
from experiments.models import Bundle, Experiment, Run, RunMetric
from experiments.selectors.code_diff import CodeChange, code_changes
from experiments.selectors.comparison import (
    environments,
    metric_lines,
    names_of,
    param_lines,
    runs_compared,
)
from experiments.selectors.runs import RunRow
from experiments.web.provenance import LABELS, value_text
from experiments.web.series import chart_json, metric_in
from mlplatform.http.pages import render_page
from mlplatform.http.templatetags import RUN_LOOKS
from mlplatform.kernel.errors import InvalidInput

MIN_RUNS, MAX_RUNS = 2, 20
# More digits than any run's number has.
MAX_DIGITS = 9
# To choose from, for one more run.
MAX_EXPERIMENTS = 200
# Points of several experiments are not pushed: while one trains, the page asks for them.
EVERY_S = 15


@dataclass(frozen=True)
class Compared:
    """One of the runs. `look` is the number whose colour it has, `remove` the address without it."""

    row: RunRow
    look: int
    label: str
    remove: str

    @property
    def run(self) -> Run:
        """The run itself."""
        return self.row.run


@dataclass(frozen=True)
class Version:
    """Code that some of the runs execute, and how it differs from the first run's (None: it is that)."""

    bundle: Bundle
    experiments: list[Experiment]
    runs: list[Compared]
    change: CodeChange | None


@dataclass(frozen=True)
class Choice:
    """What the address says: which runs in which order, and whether only what differs is shown."""

    ids: tuple[UUID, ...]
    differing: bool = False

    @classmethod
    def of(cls, query: QueryDict) -> "Choice":
        """Raises InvalidInput for what is no id, and for too many of them."""
        texts = dict.fromkeys(query.getlist("run"))
        try:
            ids = tuple(dict.fromkeys(UUID(text) for text in texts))
        except ValueError:
            raise InvalidInput(
                "The address has a run that is no id of one. Select runs in the runs table, then Compare."
            ) from None
        if len(ids) > MAX_RUNS:
            raise InvalidInput(f"At most {MAX_RUNS} runs can be compared; this address has {len(ids)}.")
        return cls(ids, query.get("differing") == "1")

    def href(self, *, differing: bool | None = None, ids: Sequence[UUID] | None = None) -> str:
        """The address of another one."""
        pairs = [("run", str(pk)) for pk in (self.ids if ids is None else ids)]
        if self.differing if differing is None else differing:
            pairs.append(("differing", "1"))
        return f"?{urlencode(pairs)}"


class Comparison:
    """The runs as the page and its chart show them."""

    def __init__(self, project: Project, choice: Choice) -> None:
        self.rows = runs_compared(project, choice.ids)
        self._choice = choice

    @cached_property
    def experiments(self) -> list[Experiment]:
        """Each once, in the order of the runs."""
        return list({row.run.experiment_id: row.run.experiment for row in self.rows}.values())

    @cached_property
    def runs(self) -> list[Compared]:
        """With what tells them apart."""
        several = len(self.experiments) > 1
        names = [experiment.name for experiment in self.experiments]
        made = []
        for row, look in zip(self.rows, _looks([row.run.number for row in self.rows]), strict=True):
            experiment = row.run.experiment
            name = experiment.name if names.count(experiment.name) == 1 else experiment.slug
            label = f"{name} #{row.run.number}" if several else f"#{row.run.number}"
            rest = [pk for pk in self._choice.ids if pk != row.run.pk]
            made.append(Compared(row, look, label, self._choice.href(ids=rest)))
        return made


@require_safe
@signed_in
def compare(request: SignedInRequest, project: str) -> HttpResponse:
    """The runs of each `?run=<id>` beside each other. `?add=<number>&of=<experiment>` leads to one more."""
    found = project_get(request.user, project)
    choice = Choice.of(request.GET)
    problem = ""
    if "add" in request.GET:
        try:
            added = _added(found, request.GET, choice)
            return redirect(f"{reverse('compare', args=[found.slug])}{choice.href(ids=[*choice.ids, added])}")
        except InvalidInput as error:
            problem = error.message
    comparison = Comparison(found, choice)
    context = {
        "project": found,
        "choice": choice,
        "runs": comparison.runs,
        "several": len(comparison.experiments) > 1,
        "problem": problem,
        "offered": _offered(found, comparison.experiments),
        "chosen_slug": request.GET.get("of", ""),
        "is_full": len(choice.ids) == MAX_RUNS,
        **(_compared(found, comparison, choice) if len(comparison.runs) >= MIN_RUNS else {}),
    }
    response = render_page(request, "experiments/compare.html", context, fragment="comparison")
    response.status_code = 400 if problem else 200
    return response


@require_safe
@signed_in
def compare_series(request: SignedInRequest, project: str) -> JsonResponse:
    """Points of `?metric=` of each `?run=<id>`; see series_json."""
    found = project_get(request.user, project)
    comparison = Comparison(found, Choice.of(request.GET))
    runs = [one.run for one in comparison.runs]
    said: dict[UUID, dict[str, Any]] = {}
    if len(comparison.experiments) > 1:
        # A set's number means something in its experiment only.
        said = {
            one.run.pk: {"set": f"{one.run.set_number} of {one.run.experiment.name}", "label": one.label}
            for one in comparison.runs
        }
    for one in comparison.runs:
        said.setdefault(one.run.pk, {})["look"] = one.look
    names = names_of([run.pk for run in runs])
    metric = metric_in(request.GET, names)
    measured = RunMetric.objects.filter(run__in=runs, name=metric).select_related("run")
    return chart_json(request.GET, metric, names, measured.order_by("-run_number", "run"), said)


def _compared(project: Project, comparison: Comparison, choice: Choice) -> dict[str, Any]:
    """What there is to say of two or more."""
    rows, runs = comparison.rows, [one.run for one in comparison.runs]
    params = param_lines(runs)
    machines = environments(runs)
    several = len(comparison.experiments) > 1
    trains = any(not run.is_terminal for run in runs)
    place = reverse("compare_series", args=[project.slug])
    return {
        "place": f"experiment/{comparison.experiments[0].pk}" if not several else f"project/{project.pk}",
        "every": EVERY_S if several and trains else 0,
        "metrics": metric_lines(rows),
        "params": [line for line in params if line.differs or not choice.differing],
        "same_params": sum(not line.differs for line in params),
        "all_href": choice.href(differing=False),
        "differing_href": choice.href(differing=True),
        "machines": machines,
        "machine_lines": [
            (LABELS.get(line.name, line.name), line.differs, [value_text(value) for value in line.values])
            for line in machines.lines
        ],
        "versions": _versions(comparison),
        "series_url": f"{place}{choice.href(differing=False)}",
        "metric": comparison.experiments[0].objective_metric,
    }


def _versions(comparison: Comparison) -> list[Version]:
    """The code of the first run, then what others have instead of it."""
    bundles = Bundle.objects.in_bulk({experiment.bundle_id for experiment in comparison.experiments})
    by_content: dict[str, Bundle] = {}
    for experiment in comparison.experiments:
        bundle = bundles[experiment.bundle_id]
        by_content.setdefault(bundle.sha256, bundle)
    base, *others = by_content.values()
    changes = {change.bundle.sha256: change for change in code_changes(base, others)}
    return [
        Version(
            bundle=bundle,
            experiments=[one for one in comparison.experiments if bundles[one.bundle_id].sha256 == digest],
            runs=[one for one in comparison.runs if bundles[one.run.experiment.bundle_id].sha256 == digest],
            change=changes.get(digest),
        )
        for digest, bundle in by_content.items()
    ]


def _added(project: Project, query: QueryDict, choice: Choice) -> UUID:
    """The run that the form names. Raises InvalidInput with what is wrong."""
    text, slug = query.get("add", "").strip(), query.get("of", "")
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        raise InvalidInput("Write the number of a run to add it.", field="add")
    run = Run.objects.filter(experiment__project=project, experiment__slug=slug, number=int(text)).first()
    if run is None:
        raise InvalidInput(f"{slug or 'The experiment'} has no run #{text}.", field="add")
    if run.pk in choice.ids:
        raise InvalidInput(f"Run #{text} of {slug} is there already.", field="add")
    if len(choice.ids) >= MAX_RUNS:
        raise InvalidInput(f"At most {MAX_RUNS} runs can be compared; remove one first.", field="add")
    return run.pk


def _offered(project: Project, compared: Sequence[Experiment]) -> list[tuple[str, str]]:
    """Experiments to add a run of: those that are compared, then the newest others."""
    rows = Experiment.objects.filter(project=project).order_by("-created_at")
    others = rows.values_list("slug", "name")[:MAX_EXPERIMENTS]
    return list(dict([(one.slug, one.name) for one in compared] + list(others)).items())


def _looks(numbers: Sequence[int]) -> list[int]:
    """For each run the number whose colour it has: its own, as everywhere, unless an earlier one looks like that."""
    taken: set[int] = set()
    looks = []
    for number in numbers:
        look = number
        while look % RUN_LOOKS in taken:
            look += 1
        taken.add(look % RUN_LOOKS)
        looks.append(look)
    return looks
