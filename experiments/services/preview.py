"""What would an experiment do? Answered by the code that then does it; nothing is created."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from django.db.models import Avg, DurationField, ExpressionWrapper, F, Sum

from accounts.models import User
from experiments.definition import Definition, run_steps
from experiments.manifest import reports_expected
from experiments.models import Attempt, Bundle
from experiments.models.experiment import Priority
from experiments.search.port import Rung
from experiments.search.preview import preview
from experiments.search.space import ParamSet
from experiments.selectors.bundles import bundle_warnings
from experiments.selectors.quota_outlook import Asked, Bound, quota_outlook
from experiments.services.checking import launch_checked
from experiments.states import RunState
from runners.selectors.outlook import Outlook, outlook


@dataclass(frozen=True)
class Preview:
    """What is ahead; times in seconds are None without a history to judge by."""

    sets: int
    runs: int
    first: list[ParamSet]
    rungs: list[Rung]
    seconds_per_run: float | None
    seconds: float | None
    # Of the runs that may train at a time.
    outlook: Outlook
    warnings: list[str]
    # What quotas say, the worst first; launching refuses what they refuse.
    quotas: list[Bound] = field(default_factory=list)


def experiment_preview(
    *, user: User, bundle: Bundle, definition: Definition, param_sets: Sequence[Mapping[str, object]] = ()
) -> Preview:
    """The first sets, how many runs and how long about. Raises InvalidInput exactly where launching would.

    Except for what a quota refuses: that is told, so that one sees by how much it is too much.
    """
    launch = launch_checked(bundle=bundle, definition=definition, param_sets=param_sets)
    definition, listed, progress = launch.definition, launch.listed, launch.manifest.progress
    # What launching goes by, unless the sets say it better.
    steps = reports_expected(progress, listed[0]) if listed else None
    found = preview(
        launch.search,
        launch.manifest.parameters,
        direction=definition.objective_direction,
        listed=listed,
        max_steps=steps or run_steps(launch.manifest, launch.search),
    )
    each = _seconds_per_run(bundle, definition)
    room = outlook(
        launch.backend,
        cpus=definition.workers * definition.cpus_per_worker,
        gpus=definition.workers * definition.gpus_per_worker,
        memory=definition.workers * definition.memory_per_worker,
        count=min(definition.max_parallel, found.runs),
        project=bundle.project_id,
        priority=Priority(definition.priority).rank,
    )
    return Preview(
        sets=found.sets,
        runs=found.runs,
        first=list(found.first),
        rungs=list(found.rungs),
        seconds_per_run=each,
        seconds=None if each is None else each * found.runs / max(1, room.together),
        outlook=room,
        warnings=bundle_warnings(bundle),
        quotas=quota_outlook(
            bundle.project,
            user,
            Asked(
                definition=definition,
                backend=launch.backend,
                runs=found.runs,
                parallel=min(definition.max_parallel, found.runs),
                seconds_per_run=each,
            ),
        ),
    )


def _seconds_per_run(bundle: Bundle, definition: Definition) -> float | None:
    """Mean run time of completed runs of the same entrypoint of the same code, or of code of the same name."""
    spans = Attempt.objects.filter(
        ended_at__isnull=False,
        run__state=RunState.COMPLETED,
        run__experiment__project=bundle.project_id,
        run__experiment__entrypoint=definition.entrypoint,
    )
    for same in (
        spans.filter(run__experiment__bundle=bundle),
        spans.filter(run__experiment__bundle__name=bundle.name),
    ):
        length = ExpressionWrapper(F("ended_at") - F("started_at"), output_field=DurationField())
        per_run = same.values("run").annotate(length=Sum(length))
        mean = per_run.aggregate(mean=Avg("length"))["mean"]
        if mean is not None:
            return float(mean.total_seconds())
    return None
