"""Checkpoints of a run: as its page lists them, what its policy keeps of them, and what is left to do from there."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import reduce
from operator import or_

from django.db.models import Q

from experiments.manifest import reports_expected
from experiments.models import Checkpoint, Experiment, Run
from experiments.models.experiment import Direction
from experiments.models.telemetry import NOT_FINITE
from experiments.retention import Kept, Policy, reasons
from mlplatform.kernel import storage
from mlplatform.kernel.archive import packed
from mlplatform.kernel.errors import NotFound


@dataclass(frozen=True)
class CheckpointLine:
    """`objective` is what was reported with it; `reasons` say why it is kept."""

    checkpoint: Checkpoint
    objective: float | None
    reasons: list[str]


def checkpoint_lines(run: Run) -> list[CheckpointLine]:
    """Newest first. Two queries."""
    rows = list(run.checkpoints.order_by("-step", "-id").prefetch_related("forks"))
    why = reasons(policy_of(run.experiment), known(run, rows))
    metric = run.experiment.objective_metric
    return [CheckpointLine(row, row.value_of(metric), why[row.pk]) for row in rows]


def checkpoint_size(run: Run, checkpoint: Checkpoint) -> int | None:
    """Bytes of its files; None where asking would take long, or nobody knows. No query."""
    url = _url(run, checkpoint)
    if url is None or not storage.is_local():
        return None
    try:
        return sum(storage.files_in(url).values()) or None
    except storage.StorageAway:
        return None


def checkpoint_zip(run: Run, checkpoint: Checkpoint) -> Iterator[bytes]:
    """All of its files as one zip, in parts. Raises NotFound, or StorageAway. No query."""
    url = _url(run, checkpoint)
    names = sorted(storage.files_in(url)) if url else []
    if url is None or not names:
        raise NotFound(f"The files of the checkpoint at step {checkpoint.step} are not in the storage.")
    yield from packed((name, storage.chunks(url, name)) for name in names)


def checkpoint_to_resume(run: Run) -> Checkpoint | None:
    """The newest one of the run's own from which training can go on, None if there is none. One query.

    Where the objective was NaN or infinite the weights are most likely spoiled, and so is all that lies in that folder.
    """
    metric = run.experiment.objective_metric
    spoiled = reduce(or_, (Q(metrics__contains={metric: word}) for word in NOT_FINITE))
    sound = run.checkpoints.exclude(path__in=run.checkpoints.filter(spoiled).values("path"))
    return sound.order_by("-step", "-id").first()


def policy_of(experiment: Experiment) -> Policy:
    """Which checkpoints of each run of the experiment stay."""
    return Policy(
        last=experiment.keep_last,
        best=experiment.keep_best,
        every=experiment.keep_every,
        maximize=experiment.objective_direction == Direction.MAXIMIZE,
    )


def nothing_left(run: Run, start: Checkpoint, params: Mapping[str, object]) -> str:
    """Why a fork of the run with these parameters would end at once, and what to change; empty if it has work to do.

    Nobody can know where the code does not say how many reports make a run.
    """
    name = run.experiment.progress
    total = reports_expected(name, params)
    if total is None or start.step < total:
        return ""
    steps = list(run.checkpoints.values_list("step", flat=True))
    if max(steps) > (run.progress_total or total):
        # It went on beyond what it declares, so the declaration counts something else than reports.
        return ""
    ways = []
    if min(steps) < total:
        ways.append("begin at an earlier checkpoint")
    if name in params:
        ways.append(f"set {name} above {start.step}")
    length = f" with {name} {total}" if name in params else ""
    return (
        f"A run{length} is over at step {total}, so a fork that begins at step {start.step} has nothing to do; "
        f"{', or '.join(ways or ['add a new run instead'])}."
    )


def known(run: Run, rows: Iterable[Checkpoint]) -> list[Kept]:
    """Checkpoints of the run as the policy sees them. Reads their forks, so prefetch them."""
    return [
        Kept(
            row.pk,
            row.step,
            row.value_of(run.experiment.objective_metric),
            sound=row.is_sound(run.experiment.objective_metric),
            # A fork begins at its checkpoint, also when it is retried.
            pinned=bool(row.forks.all()) or (_is_named_by_code(row) and not run.is_terminal),
        )
        for row in rows
    ]


def _url(run: Run, checkpoint: Checkpoint) -> str | None:
    """Only in the run's own folder: what a job reports may name anybody's."""
    return storage.url_inside(checkpoint.path, "runs", str(run.pk))


def _is_named_by_code(row: Checkpoint) -> bool:
    """Code that names its folders may be writing into an old one at this moment."""
    return row.path.rsplit("/", 1)[-1] != f"{row.attempt}-{row.step:06d}"
