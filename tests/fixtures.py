"""The cast and the props of the tests: an owner, a viewer, a stranger, their project, code, experiments, jobs."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from rest_framework.test import APIClient

from accounts.models import Membership, Project, Role, User
from accounts.services.projects import project_create
from experiments.definition import Definition
from experiments.models import Bundle, Experiment, Run
from experiments.services.bundles import bundle_from_upload
from experiments.services.launch import experiment_create
from experiments.services.leasing import lease_next
from mlplatform.kernel.archive import pack
from runners import registry
from runners.models import Allocation
from runners.services.tokens import allocation_token
from tests.fakes.runner import FakeRunner

CODE = b"""
def train(config):
    for epoch in range(config.get("epochs", 3)):
        print(config["lr"], epoch)
"""
DECLARATION = b"""
entrypoint: train:train
progress: epochs
parameters:
  lr: {type: float, default: 0.01, min: 0.00001, max: 1, log: true}
  epochs: {type: int, default: 3, min: 1, max: 100}
  optimizer: {type: categorical, choices: [adam, sgd], default: adam}
  momentum: {type: float, default: 0.9, min: 0, max: 0.99, when: {optimizer: sgd}}
"""
PASSWORD = "correct horse battery"


def user_create(name: str) -> User:
    return User.objects.create_user(name, f"{name}@example.org", PASSWORD)


@pytest.fixture
def owner(db: None) -> User:
    return user_create("olivia")


@pytest.fixture
def viewer(project: Project) -> User:
    user = user_create("victor")
    Membership.objects.create(project=project, user=user, role=Role.VIEWER)
    return user


@pytest.fixture
def stranger(db: None) -> User:
    return user_create("stranger")


@pytest.fixture
def project(owner: User) -> Project:
    return project_create(user=owner, name="Vision")


@pytest.fixture(autouse=True)
def storage_path(tmp_path: Any, settings: Any) -> Any:
    """Every test has a storage of its own."""
    settings.STORAGE = str(tmp_path / "storage")
    return tmp_path / "storage"


@pytest.fixture(autouse=True)
def fresh_rate_limits() -> None:
    """Nobody is refused for what another test tried too often."""
    cache.clear()


@pytest.fixture
def bundle(owner: User, project: Project) -> Bundle:
    return bundle_from_upload(user=owner, project=project, filename="train.py", content=CODE)


@pytest.fixture
def typed_bundle(owner: User, project: Project) -> Bundle:
    """The same code with declared ranges."""
    files = {"train.py": CODE, "experiment.yaml": DECLARATION}
    return bundle_from_upload(user=owner, project=project, filename="typed.zip", content=pack(files))


@pytest.fixture
def experiment(owner: User, project: Project, bundle: Bundle) -> Experiment:
    """Two queued runs of one worker each."""
    return experiment_create(
        user=owner,
        project=project,
        bundle=bundle,
        definition=Definition(name="sweep", entrypoint="train:train", objective_metric="accuracy"),
        param_sets=[{"lr": 0.1}, {"lr": 0.2}],
    )


@pytest.fixture
def runner(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeRunner]:
    """The backend `local` is this fake."""
    fake = FakeRunner()
    registry.runner_for.cache_clear()
    monkeypatch.setattr(registry, "import_string", lambda path: lambda **options: fake)
    yield fake
    registry.runner_for.cache_clear()


@pytest.fixture
def allocation(experiment: Experiment) -> Allocation:
    """Submitted for the experiment; nothing leased yet."""
    return Allocation.objects.create(
        owner_id=experiment.id,
        backend=django_settings.DEFAULT_BACKEND,
        state="submitted",
        workers=1,
        cpus_per_worker=1,
        gpus_per_worker=0,
        package_key="packages/x.zip",
    )


@pytest.fixture
def leased(allocation: Allocation) -> tuple[Allocation, Run, dict[str, Any]]:
    """The allocation, the run that it leased, and the lease's content."""
    order = lease_next(allocation=allocation, group_id=uuid.uuid4().hex, environment={})
    assert order.run is not None
    allocation.refresh_from_db()
    return allocation, Run.objects.select_related("experiment__project").get(pk=order.run["id"]), order.run


@pytest.fixture
def api() -> Callable[..., APIClient]:
    """A REST client signed in as a user, or with an allocation's token."""

    def client(who: User | Allocation | None = None) -> APIClient:
        made = APIClient()
        if isinstance(who, User):
            made.force_login(who)
        elif isinstance(who, Allocation):
            made.credentials(HTTP_AUTHORIZATION=f"Bearer {allocation_token(who)}")
        return made

    return client
