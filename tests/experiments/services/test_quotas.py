"""What quotas refuse at launch, and whom they warn."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from accounts.errors import QuotaExceeded
from accounts.models import Membership, Project, Role, User
from accounts.services.quotas import quota_set
from experiments.definition import Definition
from experiments.models import Bundle, Checkpoint, Experiment, Run, RunEvent
from experiments.selectors.storage import stored_by, stored_in
from experiments.services.bundles import bundle_from_upload
from experiments.services.control import runs_cancel, runs_retry
from experiments.services.forking import run_fork
from experiments.services.launch import experiment_create, runs_add
from experiments.services.measuring import checkpoints_measure
from experiments.services.quota_notices import quotas_warn
from mlplatform.kernel import clock
from mlplatform.kernel.archive import pack
from runners.models import Allocation
from tests.experiments.conftest import Finish
from tests.fixtures import CODE

AGAIN = Definition(name="again", entrypoint="train:train", objective_metric="accuracy")


@pytest.fixture
def root(db: None) -> User:
    return User.objects.create_superuser("root", "root@example.org")


@pytest.fixture
def limit(root: User) -> Callable[..., object]:
    """Set a quota, of each project if nothing else is said."""
    return lambda resource, **fields: quota_set(
        **({"actor": root, "scope": "project", "resource": resource} | fields)
    )


Limit = Callable[..., object]


def launch(bundle: Bundle, runs: int, user: User, definition: Definition = AGAIN) -> Experiment:
    return experiment_create(
        user=user,
        project=bundle.project,
        bundle=bundle,
        definition=definition,
        param_sets=[{"lr": 0.1 + n} for n in range(runs)],
    )


def test_queued_runs(limit: Limit, owner: User, bundle: Bundle, experiment: Experiment) -> None:
    limit("queued_runs", hard=5)
    with pytest.raises(QuotaExceeded) as caught:
        launch(bundle, 4, owner)
    assert caught.value.message == (
        "Project Vision may have 5 queued runs and has 2: 3 more fit, not 4. Queue fewer, wait until some have "
        "started, or ask an administrator to raise the quota (Administration → Quotas)."
    )
    assert caught.value.field == "runs"
    details = caught.value.details
    assert {name: details[name] for name in ("resource", "scope", "asked", "hard")} == {
        "resource": "queued_runs",
        "scope": "project",
        "asked": 4,
        "hard": 5,
    }
    assert Experiment.objects.count() == 1
    launch(bundle, 3, owner)
    with pytest.raises(QuotaExceeded, match="0 more fit, not 1"):
        runs_add(user=owner, experiment=experiment, param_sets=[{"lr": 0.3}])
    Run.objects.filter(experiment=experiment).update(state="running")
    runs_add(user=owner, experiment=experiment, param_sets=[{"lr": 0.3}])


def test_a_search_that_queues_at_once_counts_too(limit: Limit, owner: User, typed_bundle: Bundle) -> None:
    limit("queued_runs", scope="user", user=owner, hard=5)
    search = {"method": "random", "runs": 6, "space": {"lr": {"min": 0.1, "max": 1}}}
    definition = replace(AGAIN, search=search)
    with pytest.raises(QuotaExceeded, match="Olivia may have 5 queued runs and has 0"):
        experiment_create(
            user=owner, project=typed_bundle.project, bundle=typed_bundle, definition=definition
        )


def test_retries_and_forks_count_too(
    limit: Limit, owner: User, experiment: Experiment, finish: Finish
) -> None:
    run = finish(1)
    limit("queued_runs", scope="member", project=experiment.project, hard=1)
    with pytest.raises(QuotaExceeded, match="Olivia in project Vision may have 1 queued runs and has 1"):
        run_fork(user=owner, run=run)
    runs_cancel(user=owner, experiment=experiment, numbers=[2])
    limit("queued_runs", scope="backend", backend="local", hard=0)
    with pytest.raises(QuotaExceeded, match="Backend local may have 0 queued runs"):
        runs_retry(user=owner, experiment=experiment, numbers=[2])
    assert Run.objects.get(number=2).state == "canceled"


def test_largest_run(limit: Limit, owner: User, bundle: Bundle, settings: Any) -> None:
    settings.BACKENDS = {"local": settings.BACKENDS["local"] | {"cpus": 8, "gpus": 8}}
    limit("run_cpus", scope="user", hard=3)
    limit("run_gpus", scope="project", backend="local", hard=0)
    with pytest.raises(
        QuotaExceeded, match=r"A run of olivia may take 3 CPUs at most; this one takes 4 \(2 × 2\)"
    ) as e:
        launch(bundle, 1, owner, replace(AGAIN, workers=2, cpus_per_worker=2))
    assert e.value.field == "cpus_per_worker"
    with pytest.raises(QuotaExceeded) as e:
        launch(bundle, 1, owner, replace(AGAIN, gpus_per_worker=0.5))
    assert e.value.field == "gpus_per_worker"
    launch(bundle, 1, owner, replace(AGAIN, workers=3))


def test_storage(limit: Limit, owner: User, bundle: Bundle, storage_path: Path) -> None:
    limit("storage", hard=(bundle.size + 10) / 2**30)
    before = sorted(storage_path.rglob("*.zip"))
    with pytest.raises(
        QuotaExceeded, match=r"Project Vision stores 19\d B of at most 20\d B; 2\d\d B more do not fit\. Del"
    ) as caught:
        bundle_from_upload(
            user=owner, project=bundle.project, filename="other.py", content=CODE + b"# more\n"
        )
    assert caught.value.field == "code"
    assert sorted(storage_path.rglob("*.zip")) == before
    # The same code is there already.
    bundle_from_upload(
        user=owner, project=bundle.project, filename="copy.zip", content=pack({"train.py": CODE})
    )
    launch(bundle, 1, owner)
    limit("storage", hard=bundle.size / 2**30)
    with pytest.raises(QuotaExceeded, match="Project Vision stores") as caught:
        launch(bundle, 1, owner)
    assert caught.value.field == "runs"


def test_checkpoints_are_measured_and_counted(
    owner: User, experiment: Experiment, finish: Finish, storage_path: Path, stranger: User
) -> None:
    run = finish(1, models_at=(2,))
    Membership.objects.create(project=experiment.project, user=stranger, role=Role.EDITOR)
    outside = Checkpoint.objects.create(run=run, attempt=1, step=9, path="/etc")
    assert checkpoints_measure() == 3
    assert checkpoints_measure() == 0
    outside.refresh_from_db()
    assert outside.size == 0
    on_disk = sum(f.stat().st_size for f in (storage_path / "runs").rglob("*") if f.is_file())
    stored = stored_in(experiment.project)
    assert stored.checkpoints == on_disk > 0
    assert stored.code == experiment.bundle.size
    assert stored.total == stored.code + stored.checkpoints
    assert stored_by(((), stranger)) == {}
    assert set(stored_by(((), owner))) == {(experiment.project_id, owner.pk)}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scope", ["project", "user", "backend"])
def test_two_who_launch_at_the_same_time_cannot_share_the_last_place(
    limit: Limit, owner: User, project: Project, bundle: Bundle, scope: str
) -> None:
    limit("queued_runs", scope=scope, backend="local" if scope == "backend" else "", hard=5)

    def try_to(_: int) -> bool:
        try:
            launch(bundle, 2, owner)
        except QuotaExceeded:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(6) as pool:
        assert sum(pool.map(try_to, range(6))) == 2
    assert Run.objects.filter(state="queued").count() == 4


@pytest.mark.django_db(transaction=True)
def test_two_uploads_at_the_same_time_cannot_share_the_last_bytes(
    limit: Limit, owner: User, project: Project, bundle: Bundle
) -> None:
    limit("storage", hard=bundle.size * 2.5 / 2**30)

    def upload(number: int) -> bool:
        content = CODE + f"# {number}\n".encode()
        try:
            bundle_from_upload(user=owner, project=project, filename="t.py", content=content)
        except QuotaExceeded:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(5) as pool:
        assert sum(pool.map(upload, range(5))) == 1
    assert Bundle.objects.count() == 2


def used(experiment: Experiment, hours: float) -> None:
    now = clock.now()
    Allocation.objects.create(
        owner_id=experiment.pk, project=experiment.project, user=experiment.created_by, backend="local",
        state="running", workers=1, cpus_per_worker=hours, gpus_per_worker=0, package_key="x",
        submitted_at=now - timedelta(seconds=1),
    )  # fmt: skip


def words(kind: str) -> list[str]:
    return list(RunEvent.objects.filter(kind=kind).values_list("message", flat=True))


def test_people_are_warned_once_at_each_level(
    limit: Limit, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    middle = clock.now().replace(day=15)
    monkeypatch.setattr(clock, "now", lambda: middle)
    limit("cpu_hours", soft=1, hard=2)
    used(experiment, 3600 * 0.5)
    assert quotas_warn() == 0
    used(experiment, 3600 * 0.7)
    assert [quotas_warn(), quotas_warn()] == [1, 0]
    (told,) = words("quota_warning")
    assert told == (
        "Project Vision has used 1.2 CPU-hours this month, more than the 1 from which on you are warned. "
        "At 2 nothing more starts."
    )
    used(experiment, 3600)
    assert [quotas_warn(), quotas_warn()] == [1, 0]
    (told,) = words("quota_reached")
    assert told.startswith(f"Project Vision has used its 2 CPU-hours of {middle:%B}; more from 1 ")
    assert told.endswith("What trains now finishes, nothing else starts.")
    # Who was given more is told again when that is used up.
    limit("cpu_hours", soft=1, hard=2.1)
    assert quotas_warn() == 1


def test_nobody_is_asked_without_quotas(experiment: Experiment, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(2):
        assert quotas_warn() == 0
