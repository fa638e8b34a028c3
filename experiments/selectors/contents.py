"""What a project holds, and about how many bytes that is: what its deletion frees."""

from dataclasses import dataclass

from django.db.models import Sum

from accounts.models import Project
from experiments.models import Bundle, Experiment, LogChunk, MetricBatch, ModelVersion, Run
from experiments.selectors.sizes import rows_size
from experiments.states import EXPERIMENT_OPEN
from mlplatform.kernel import storage

# Folders of runs that are looked into before somebody waits too long for a page.
RUNS_MEASURED = 500


@dataclass(frozen=True)
class Contents:
    """How much there is. `stored` is None while the storage does not answer; `is_more`: not everything was measured."""

    experiments: int
    open: list[str]
    runs: int
    models: int
    bundles: int
    members: int
    database: int
    stored: int | None
    is_more: bool

    @property
    def total(self) -> int:
        """Bytes, as far as they are known."""
        return self.database + (self.stored or 0)


def project_contents(project: Project) -> Contents:
    """All of it: ten queries, and a look into the storage for each of the first RUNS_MEASURED runs with checkpoints."""
    experiments = Experiment.objects.filter(project=project)
    runs = Run.objects.filter(experiment__project=project).order_by()
    bundles = Bundle.objects.filter(project=project).order_by()
    with_files = list(
        runs.filter(checkpoints__isnull=False).distinct().values_list("pk", flat=True)[: RUNS_MEASURED + 1]
    )
    code = bundles.values("sha256", "size").distinct().aggregate(size=Sum("size"))["size"] or 0
    try:
        stored: int | None = code + sum(
            sum(storage.files_in(storage.url("runs", str(pk))).values()) for pk in with_files[:RUNS_MEASURED]
        )
    except storage.StorageAway:
        stored = None
    return Contents(
        experiments=experiments.count(),
        open=list(
            experiments.filter(state__in=EXPERIMENT_OPEN).order_by("name").values_list("name", flat=True)
        ),
        runs=runs.count(),
        models=ModelVersion.objects.filter(project=project).count(),
        bundles=bundles.count(),
        members=project.memberships.count(),
        database=rows_size(
            MetricBatch.objects.filter(run__experiment__project=project),
            LogChunk.objects.filter(run__experiment__project=project),
        ),
        stored=stored,
        is_more=len(with_files) > RUNS_MEASURED,
    )
