"""One project with a thing of every kind in it, everybody who may ask about it, and the URLs."""

import re
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from accounts.models import ApiToken, Membership, Project, ProjectDeletion, Role, Scope, User
from accounts.services.invitations import invitation_create
from accounts.services.members import member_add
from accounts.services.projects import project_create
from accounts.services.quotas import quota_set
from accounts.services.token_use import token_use
from accounts.services.tokens import token_create
from experiments.definition import Definition
from experiments.models import Attempt, Checkpoint, Experiment, ModelVersion, Run, TrackingSync
from experiments.services.bundles import bundle_from_upload
from experiments.services.launch import experiment_create
from experiments.services.leasing import lease_next
from experiments.services.views import view_create
from experiments.tracking.port import StoredFile
from mlplatform.kernel import clock
from runners.models import Allocation
from runners.services.tokens import allocation_token
from tests.fakes.tracking_store import FakeTrackingStore
from tests.fixtures import CODE, user_create

PART = re.compile(r"<(?:(\w+):)?(\w+)>")


@dataclass(frozen=True)
class World:
    """`clients` by the names of callers; `parts` of routes by the whole route before, their name, or a word before."""

    clients: Mapping[str, Client]
    parts: Mapping[str, Any]

    def path(self, route: str) -> str:
        """The address of the things of the project."""

        def value(found: re.Match[str]) -> str:
            literal = re.search(r"([\w-]+)/$", route[: found.start()])
            before = route[: found.start()].rstrip("/")
            for key in (before, found[2], literal[1] if literal else ""):
                if key in self.parts:
                    return str(self.parts[key])
            raise AssertionError(
                f"{route}: add what {found[0]} is to the parts in tests/permissions/world.py"
            )

        return "/" + PART.sub(value, route)


class Tracker(FakeTrackingStore):
    """Has one file of every model."""

    def model_files(self, uri: str) -> list[StoredFile]:
        """It."""
        return [StoredFile("model.pt", 5)]

    def model_file(self, uri: str, path: str) -> Iterator[bytes]:
        """In one part."""
        yield b"12345"


def urls() -> Iterator[tuple[str, str]]:
    """Name and route of each URL pattern. One without a name has an empty one."""
    yield from _walk(get_resolver().url_patterns, "", "")


def _walk(patterns: Any, prefix: str, namespace: str) -> Iterator[tuple[str, str]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, route, inner)
        elif isinstance(pattern, URLPattern):
            yield f"{namespace}{pattern.name or ''}", route


def build() -> World:
    """Olivia's project Vision."""
    owner = user_create("olivia")
    project = project_create(user=owner, name="Vision")
    other = project_create(user=owner, name="Speech")
    experiment, allocation = _experiment(owner, project)
    run = experiment.runs.get(number=1)
    view = view_create(
        user=owner, project=project, name="Best", is_shared=True, content={"where": "", "sort": ""}
    )
    token, _ = token_create(user=owner, name="ci", project=project)
    admin = User.objects.create_superuser("ada", "ada@example.org", "x")
    invitation, text = invitation_create(user=owner, project=project)
    into_portal, _ = invitation_create(user=admin, project=None)
    member = user_create("mia")
    member_add(user=owner, project=project, name=member.username, role=Role.VIEWER)
    quota = quota_set(actor=admin, scope="project", resource="running_runs", project=project, hard=100)
    session = UserSession.objects.create(user=owner, session_key="x", ip="127.0.0.1", user_agent="x")
    # As if the project were being deleted, which nobody could see then.
    deletion = ProjectDeletion.objects.create(
        project_id=project.pk,
        slug=project.slug,
        name=project.name,
        requested_by=owner,
        next_try_at=clock.now(),
    )
    parts = {
        # By the route before them.
        "api/v1/invitations": into_portal.pk,
        "api/v1/projects/deleted": deletion.pk,
        "invitations": text,
        "projects/deleted": deletion.pk,
        # By name: these mean the same everywhere.
        "attempt": 1,
        "bundle": experiment.bundle_id,
        "experiment": experiment.slug,
        "invitation_id": invitation.pk,
        "kind": "csv",
        "name": "vision.sweep",
        "number": run.number,
        "path": "model.pt",
        "project": project.slug,
        "signature": "0" * 64,
        "username": member.username,
        "version": 1,
        # By what stands before them.
        "checkpoints": run.checkpoints.get().pk,
        "e": experiment.slug,
        "experiments": experiment.pk,
        "p": project.slug,
        "projects": project.slug,
        "quotas": quota.pk,
        "runs": run.pk,
        "sessions": session.pk,
        "tokens": token.pk,
        "views": view.pk,
    }
    return World(_clients(owner, admin, project, other, allocation), parts)


def _experiment(owner: User, project: Project) -> tuple[Experiment, Allocation]:
    bundle = bundle_from_upload(user=owner, project=project, filename="train.py", content=CODE)
    # The last one may be at the address of another thing of the API.
    experiment, _ = (
        experiment_create(
            user=owner,
            project=project,
            bundle=bundle,
            definition=Definition(name=name, entrypoint="train:train", objective_metric="accuracy"),
            param_sets=[{"lr": 0.1}, {"lr": 0.2}],
        )
        for name in ("sweep", "preview")
    )
    allocation = Allocation.objects.create(
        owner_id=experiment.pk,
        backend=experiment.backend,
        state="submitted",
        workers=1,
        cpus_per_worker=1,
        gpus_per_worker=0,
        package_key="packages/x.zip",
        environment={"packages": ["torch==2.13.0"]},
    )
    lease_next(allocation=allocation, group_id=uuid.uuid4().hex, environment={})
    run = experiment.runs.get(number=1)
    Attempt.objects.get_or_create(run=run, number=1, defaults={"allocation_id": allocation.pk, "fence": 1})
    folder = Path(settings.STORAGE, "runs", str(run.pk), "1-000001")
    folder.mkdir(parents=True)
    Checkpoint.objects.create(run=run, attempt=1, step=1, path=str(folder), metrics={})
    (folder / "model.pt").write_bytes(b"12345")
    Run.objects.filter(pk=run.pk).update(state="completed", ended_at=clock.now())
    TrackingSync.objects.create(
        run=run, model_uri="models:/1", next_try_at=clock.now(), synced_at=clock.now()
    )
    ModelVersion.objects.create(
        project=project, run=run, name="vision.sweep", version=1, uri="models:/1", step=1, objective=0.5
    )
    return experiment, allocation


def _clients(
    owner: User, admin: User, project: Project, other: Project, allocation: Allocation
) -> dict[str, Client]:
    people = {"stranger": user_create("stranger"), "owner": owner, "site admin": admin}
    for role in (Role.VIEWER, Role.EDITOR):
        people[role] = user_create(f"the-{role}")
        Membership.objects.create(project=project, user=people[role], role=role)
    people["staff"] = user_create("stan")
    User.objects.filter(pk=people["staff"].pk).update(is_staff=True)
    token, expired = token_create(user=owner, name="x", scope=Scope.ADMIN, project=project)
    ApiToken.objects.filter(pk=token.pk).update(expires_at=clock.now())
    texts = {
        "project token, read": _text(owner, Scope.READ, project),
        "project token, write": _text(owner, Scope.WRITE, project),
        "project token, admin": _text(owner, Scope.ADMIN, project),
        "token of another project": _text(owner, Scope.ADMIN, other),
        "expired token": expired,
        "owner's token, read": _text(owner, Scope.READ),
        "owner's token, admin": _text(owner, Scope.ADMIN),
        "site admin's token, write": _text(admin, Scope.WRITE),
        "job": allocation_token(allocation),
    }
    made = {"anonymous": Client(raise_request_exception=False)}
    for name, person in people.items():
        made[name] = Client(raise_request_exception=False)
        made[name].force_login(person)
    for name, text in texts.items():
        made[name] = Client(raise_request_exception=False, headers={"authorization": f"Bearer {text}"})
    return made


def _text(user: User, scope: Scope, project: Project | None = None) -> str:
    text = token_create(user=user, name="x", scope=scope, project=project)[1]
    # Once a minute this is written down; here once for all.
    token_use(text, "127.0.0.1")
    return text
