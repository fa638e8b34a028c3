"""Making experiments and adding runs to them."""

from collections.abc import Mapping, Sequence

from django.db import transaction
from django.utils.text import slugify

from accounts.models import Project, User
from accounts.permissions import require
from accounts.services.audit import audit
from accounts.services.closing import hold_open
from experiments.definition import Definition
from experiments.models import Bundle, Experiment, Run, RunEvent
from experiments.services.checking import launch_checked, priority_allowed, sets_checked
from experiments.services.lifecycle import experiment_locked, experiment_reopen
from experiments.services.quotas import check_size, check_storage
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

    Raises InvalidInput with the field for anything wrong, QuotaExceeded for more than is allowed; then nothing was
    created.
    """
    require(user, "launch", project)
    if bundle.project_id != project.id:
        raise NotFound("There is no such code in this project.")
    launch = launch_checked(bundle=bundle, definition=definition, param_sets=param_sets)
    priority_allowed(user, project, launch.definition.priority)
    check_size(project, user, launch.definition, launch.backend)
    with transaction.atomic():
        hold_open(project)
        locks.hold(f"experiments of {project.id}")
        check_storage(project, user, field="runs")
        experiment = Experiment.objects.create(
            project=project,
            slug=_free_slug(project, launch.definition.name),
            bundle=bundle,
            parameters=bundle.manifest["parameters"],
            progress=launch.manifest.progress,
            backend=launch.backend,
            seed=launch.search.seed,
            active_since=clock.now(),
            cloned_from=cloned_from,
            created_by=user,
            **launch.definition.columns(),
        )
        audit(user, "experiment.create", experiment.slug, project=project)
        RunEvent.objects.create(experiment=experiment, kind="created", actor=user)
        sets_add(experiment, launch.listed, actor=user, repeat=launch.search.repeat)
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
    sets = sets_checked(experiment.declared, param_sets)
    runs = sets_add(experiment, sets, actor=user, repeat=experiment.search.get("repeat", 1))
    experiment_reopen(experiment, user)
    audit(user, "runs.add", experiment.slug, project=experiment.project, count=len(runs))
    enqueue("reconcile")
    return runs


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
