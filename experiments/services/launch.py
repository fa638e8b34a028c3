"""Making experiments and adding runs to them."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify

from accounts.models import Project, User
from accounts.permissions import require
from accounts.services.audit import audit
from experiments.inspection import check_entrypoint
from experiments.manifest import Manifest
from experiments.models import Bundle, Experiment, Run, RunEvent
from experiments.models.experiment import Direction
from experiments.search.space import MAX_SETS, complete
from experiments.services.bundles import bundle_files, sources
from experiments.services.lifecycle import experiment_changed, experiment_move
from experiments.states import ExperimentState
from mlplatform.broker import enqueue
from mlplatform.kernel import locks
from mlplatform.kernel.errors import InvalidInput, NotFound
from runners.registry import backend_get

MAX_WORKERS = 64
MAX_PARALLEL = 64
MAX_RETRIES = 10


def experiment_create(
    *,
    user: User,
    project: Project,
    bundle: Bundle,
    name: str,
    param_sets: Sequence[Mapping[str, object]],
    entrypoint: str = "",
    objective_metric: str = "",
    objective_direction: str = "",
    workers: int = 1,
    cpus_per_worker: float = 1,
    gpus_per_worker: float = 0,
    max_parallel: int = 1,
    max_retries: int = 0,
    fresh_process: bool = False,
    description: str = "",
) -> Experiment:
    """Create an experiment and queue one run per parameter set.

    What is left empty comes from the bundle's manifest. Raises InvalidInput with the field for anything wrong;
    then nothing was created.
    """
    require(user, "launch", project)
    if bundle.project_id != project.id:
        raise NotFound("There is no such code in this project.")
    manifest = Manifest.from_json(bundle.manifest)
    name = name.strip()
    if not name or len(name) > 100:
        raise InvalidInput("An experiment needs a name of at most 100 characters.", field="name")
    direction = objective_direction or manifest.objective_direction
    if direction not in Direction.values:
        raise InvalidInput(
            f"The direction is {direction!r}; choose maximize or minimize.", field="objective_direction"
        )
    backend = settings.DEFAULT_BACKEND
    _check_resources(backend, workers, cpus_per_worker, gpus_per_worker)
    _between("max_parallel", max_parallel, 1, MAX_PARALLEL)
    _between("max_retries", max_retries, 0, MAX_RETRIES)
    entrypoint = entrypoint.strip() or manifest.entrypoint
    check_entrypoint(sources(bundle_files(bundle)), entrypoint)
    with transaction.atomic():
        locks.hold(f"experiments of {project.id}")
        experiment = Experiment.objects.create(
            project=project,
            name=name,
            slug=_free_slug(project, name),
            description=description,
            bundle=bundle,
            entrypoint=entrypoint,
            parameters=bundle.manifest["parameters"],
            objective_metric=objective_metric.strip() or manifest.objective_metric,
            objective_direction=direction,
            progress=manifest.progress,
            workers=workers,
            cpus_per_worker=cpus_per_worker,
            gpus_per_worker=gpus_per_worker,
            backend=backend,
            max_parallel=max_parallel,
            max_retries=max_retries,
            fresh_process=fresh_process,
            created_by=user,
        )
        audit(user, "experiment.create", experiment.slug, project=project)
        RunEvent.objects.create(experiment=experiment, kind="created", actor=user)
        _add_runs(experiment, user, param_sets)
    return experiment


@transaction.atomic
def runs_add(*, user: User, experiment: Experiment, param_sets: Sequence[Mapping[str, object]]) -> list[Run]:
    """Queue more runs; a finished experiment becomes active again. All or none are added."""
    require(user, "launch", experiment.project)
    experiment = (
        Experiment.objects.select_for_update(of=("self",), no_key=True)
        .select_related("project")
        .get(pk=experiment.pk)
    )
    runs = _add_runs(experiment, user, param_sets)
    if experiment.state != ExperimentState.ACTIVE:
        experiment_move(experiment, ExperimentState.ACTIVE, "reopened", actor=user)
    audit(user, "runs.add", experiment.slug, project=experiment.project, count=len(runs))
    return runs


def run_seed(experiment: Experiment, number: int) -> int:
    """Seed of a run: depends on the experiment's seed and the run's number only, so a crash changes nothing."""
    text = f"{experiment.seed}:{number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:4]) >> 1


def _add_runs(experiment: Experiment, user: User, param_sets: Sequence[Mapping[str, object]]) -> list[Run]:
    if not param_sets:
        raise InvalidInput("Give at least one set of parameters.", field="param_sets")
    if len(param_sets) > MAX_SETS:
        raise InvalidInput(
            f"{len(param_sets)} runs are too many at a time; at most {MAX_SETS}.", field="param_sets"
        )
    declared = experiment.declared
    sets = [complete(declared, given) for given in param_sets]
    start = (experiment.runs.aggregate(last=Max("number"))["last"] or 0) + 1
    runs = Run.objects.bulk_create(
        Run(experiment=experiment, number=number, params=params, seed=run_seed(experiment, number))
        for number, params in enumerate(sets, start)
    )
    RunEvent.objects.bulk_create(
        RunEvent(experiment=experiment, run=run, kind="queued", actor=user) for run in runs
    )
    experiment_changed(experiment)
    enqueue("reconcile")
    return runs


def _check_resources(backend: str, workers: int, cpus: float, gpus: float) -> None:
    _between("workers", workers, 1, MAX_WORKERS)
    _between("cpus_per_worker", cpus, 0.1, 1024)
    _between("gpus_per_worker", gpus, 0, 64)
    room = backend_get(backend)
    for what, field, wanted, there in (
        ("CPUs", "cpus_per_worker", workers * cpus, room.cpus),
        ("GPUs", "gpus_per_worker", workers * gpus, room.gpus),
    ):
        if wanted > there:
            raise InvalidInput(
                f"{workers} workers need {wanted:g} {what} together, but the backend {backend} has {there:g}, so this "
                "could never start. Use fewer or smaller workers.",
                field=field,
            )


def _between(field: str, value: Any, low: float, high: float) -> None:
    if not low <= value <= high:
        words = field.replace("_", " ")
        raise InvalidInput(
            f"The value of {words} is {str(value)[:40]}; it must be between {low:g} and {high:g}.",
            field=field,
        )


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
