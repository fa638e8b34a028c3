"""Making experiments and adding runs to them."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils.text import slugify

from accounts.models import Project, User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments.definition import Definition, check
from experiments.inspection import check_entrypoint
from experiments.manifest import Manifest
from experiments.models import Bundle, Experiment, Run, RunEvent
from experiments.search.space import MAX_SETS, complete
from experiments.selectors.bundles import check_requirements
from experiments.services.bundles import bundle_files, sources
from experiments.services.lifecycle import experiment_locked, experiment_reopen
from experiments.services.searching import sets_add, sets_propose_at_launch
from mlplatform.broker import enqueue
from mlplatform.kernel import clock, locks
from mlplatform.kernel.errors import InvalidInput, NotFound


def experiment_create(
    *,
    user: User,
    project: Project,
    bundle: Bundle,
    definition: Definition,
    param_sets: Sequence[Mapping[str, object]] = (),
    cloned_from: Experiment | None = None,
) -> Experiment:
    """Create an experiment and queue its first runs: the listed sets, and what its searcher can say at once.

    Raises InvalidInput with the field for anything wrong; then nothing was created.
    """
    require(user, "launch", project)
    if bundle.project_id != project.id:
        raise NotFound("There is no such code in this project.")
    manifest = Manifest.from_json(bundle.manifest)
    backend = settings.DEFAULT_BACKEND
    definition, search = check(definition, manifest, backend)
    if search is None and not param_sets:
        raise InvalidInput("Give at least one set of parameters, or a search.", field="runs")
    check_entrypoint(sources(bundle_files(bundle)), definition.entrypoint)
    check_requirements(bundle.requirements)
    with transaction.atomic():
        locks.hold(f"experiments of {project.id}")
        experiment = Experiment.objects.create(
            project=project,
            slug=_free_slug(project, definition.name),
            bundle=bundle,
            parameters=bundle.manifest["parameters"],
            progress=manifest.progress,
            backend=backend,
            seed=search.seed if search else 0,
            active_since=clock.now(),
            cloned_from=cloned_from,
            created_by=user,
            **definition.columns(),
        )
        audit(user, "experiment.create", experiment.slug, project=project)
        RunEvent.objects.create(experiment=experiment, kind="created", actor=user)
        _add_runs(experiment, user, param_sets)
        sets_propose_at_launch(experiment, user)
        enqueue("reconcile")
    return experiment


@transaction.atomic
def runs_add(*, user: User, experiment: Experiment, param_sets: Sequence[Mapping[str, object]]) -> list[Run]:
    """Queue more runs; a finished experiment becomes active again. All or none are added."""
    require(user, "launch", experiment.project)
    experiment = experiment_locked(experiment.pk)
    if not param_sets:
        raise InvalidInput("Give at least one set of parameters.", field="runs")
    runs = _add_runs(experiment, user, param_sets)
    experiment_reopen(experiment, user)
    audit(user, "runs.add", experiment.slug, project=experiment.project, count=len(runs))
    enqueue("reconcile")
    return runs


def _add_runs(experiment: Experiment, user: User, param_sets: Sequence[Mapping[str, Any]]) -> list[Run]:
    if len(param_sets) > MAX_SETS:
        raise InvalidInput(
            f"{len(param_sets)} runs are too many at a time; at most {MAX_SETS}.", field="runs"
        )
    declared = experiment.declared
    sets = [complete(declared, given) for given in param_sets]
    return sets_add(experiment, sets, actor=user, repeat=experiment.search.get("repeat", 1))


def _free_slug(project: Project, name: str) -> str:
    base = slugify(name)[:100] or "experiment"
    taken = set(
        Experiment.objects.filter(project=project, slug__startswith=base).values_list("slug", flat=True)
    )
    slug, number = base, 1
    while slug in taken:
        number += 1
        slug = f"{base}-{number}"
    return slug
