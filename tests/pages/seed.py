"""A small team's portal as rows: experiments that run and that have ended, with all that their pages show."""

import math
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.contrib.auth.hashers import PBKDF2PasswordHasher

from accounts.models import ApiToken, Membership, Project, ProjectDeletion, Role, Scope, User
from accounts.services.closing import project_archive, project_delete
from accounts.services.invitations import invitation_create
from accounts.services.projects import project_create
from accounts.services.token_use import token_use
from accounts.services.tokens import token_create, token_rotate
from experiments.definition import Definition
from experiments.models import Attempt, Checkpoint, Experiment, ModelVersion, Run, RunEvent
from experiments.services.bundles import bundle_from_upload
from experiments.services.launch import experiment_create
from experiments.services.tags import runs_tag
from experiments.states import ExperimentState, RunState
from mlplatform.kernel import clock
from mlplatform.kernel.archive import pack
from runners.models import Allocation
from tests.fixtures import CODE, DECLARATION, PASSWORD, user_create
from tests.logs import prints
from tests.pages.quotas import seed_quotas
from tests.points import report

STEPS = 60
ENDED = (RunState.COMPLETED, RunState.FAILED, RunState.PRUNED)
REASON = "Needs 2 CPUs; 0 of 2 are free."
ENVIRONMENT = {"python": "3.11.2", "torch": "2.13.0", "cpu": "AMD EPYC 9454", "hostname": "node-1"}
TRACEBACK = (
    'Traceback (most recent call last):\n  File "train.py", line 4, in train\nValueError: loss is nan\n'
)
STATES = (
    *[RunState.COMPLETED] * 5,
    RunState.FAILED,
    RunState.PRUNED,
    RunState.RUNNING,
    *[RunState.QUEUED] * 2,
)


@dataclass(frozen=True)
class Seeded:
    """Who may look, and where."""

    owner: User
    viewer: User
    staff: User
    token: ApiToken
    newcomer: User
    running: Experiment
    ended: Experiment
    # The secret of an open invitation.
    invited: str

    @property
    def people(self) -> tuple[User, ...]:
        """Everybody who may sign in."""
        return self.owner, self.viewer, self.staff, self.newcomer


def seed() -> Seeded:
    owner = user_create("olivia")
    staff = User.objects.create_superuser("stefan", "stefan@example.org", PASSWORD)
    hasher = PBKDF2PasswordHasher()
    for person in (owner, staff):
        # Hashed as the product does: its process does not know the tests' quick way.
        person.password = hasher.encode(PASSWORD, hasher.salt())
        person.save(update_fields=["password"])
    TOTP.activate(staff, generate_totp_secret())
    RecoveryCodes.activate(staff)
    project = project_create(
        user=owner, name="Vision", description="Handwritten digits, and what comes after."
    )
    viewer = user_create("victor")
    Membership.objects.create(project=project, user=viewer, role=Role.VIEWER)
    Membership.objects.create(project=project, user=user_create("wilhelmina"), role=Role.EDITOR)
    project_create(user=owner, name="Sandbox")
    token, text = token_create(user=owner, name="laptop")
    token_use(text, "192.0.2.17")
    token_create(user=owner, name="Export of everything", days=None, scope=Scope.ADMIN)
    pipeline, _ = token_create(user=owner, name="Nightly sweep of the pipeline", project=project)
    token_rotate(user=owner, token_id=pipeline.pk, grace=timedelta(days=1))
    invitation_create(user=owner, project=project, role=Role.EDITOR, email="new.colleague@example.org")
    _, invited = invitation_create(user=owner, project=project, role=Role.VIEWER, max_uses=20)
    archived = project_create(user=owner, name="Rotated digits", description="Superseded by Vision.")
    project_archive(user=owner, project=archived)
    for name, fields in (
        ("Old sensors", {"freed_bytes": 3_400_000_000, "finished_at": clock.now()}),
        (
            "Drone pictures",
            {"freed_bytes": 52_000_000, "waits_for": "MLflow at http://127.0.0.1 does not answer."},
        ),
    ):
        gone = project_create(user=owner, name=name)
        project_delete(user=owner, project=gone, confirmation=gone.slug)
        ProjectDeletion.objects.filter(project_id=gone.pk).update(**fields)
    running = _experiment(owner, project, "Learning rates of the small model", STATES)
    ended = _experiment(owner, project, "Baseline", [RunState.COMPLETED] * 4)
    Experiment.objects.filter(pk=ended.pk).update(state=ExperimentState.COMPLETED, ended_at=clock.now())
    _queue(running)
    for version, run in enumerate(ended.runs.all()[:3], 1):
        ModelVersion.objects.create(
            project=project,
            run=run,
            name="vision.baseline",
            version=version,
            uri="models:/1",
            step=STEPS,
            objective=0.8,
        )
    seed_quotas(project, owner, staff, running)
    return Seeded(owner, viewer, staff, token, user_create("nora"), running, ended, invited)


def _experiment(owner: User, project: Project, name: str, states: Any) -> Experiment:
    files = {
        "train.py": CODE,
        "experiment.yaml": DECLARATION,
        "data/README.md": b"# Digits\n",
        "labels.bin": b"\0\1",
    }
    experiment = experiment_create(
        user=owner,
        project=project,
        bundle=bundle_from_upload(user=owner, project=project, filename="digits.zip", content=pack(files)),
        definition=Definition(
            name=name,
            entrypoint="train:train",
            description="Which learning rate suits the small model?",
            objective_metric="accuracy",
        ),
        param_sets=[
            {"lr": 0.001 * 2**n, "optimizer": "sgd" if n % 3 else "adam"} for n in range(len(states))
        ],
    )
    allocation = Allocation.objects.create(
        owner_id=experiment.pk,
        backend=experiment.backend,
        state="ended",
        workers=1,
        cpus_per_worker=1,
        gpus_per_worker=0,
        package_key="packages/x.zip",
        environment={"packages": ["numpy==2.4.1", "torch==2.13.0"]},
    )
    for run, state in zip(experiment.runs.all(), states, strict=True):
        if state == RunState.QUEUED:
            Run.objects.filter(pk=run.pk).update(waiting_reason=REASON)
        else:
            _play(run, state, allocation)
    RunEvent.objects.create(experiment=experiment, kind="changed", message="max_parallel 1 → 2", actor=owner)
    runs_tag(user=owner, experiment=experiment, numbers=[1], tags={"kind": "ablation"})
    return experiment


def _queue(experiment: Experiment) -> None:
    """One job trains run 8, and another waits for its place."""
    now = clock.now()
    asked = {"owner_id": experiment.pk, "backend": experiment.backend, "workers": 1, "cpus_per_worker": 2}
    asked |= {"gpus_per_worker": 0, "package_key": "packages/x.zip"}
    holding = Allocation.objects.create(state="running", submitted_at=now, running_at=now, **asked)
    holding.leases.create(
        subject_id=experiment.runs.get(number=8).pk,
        attempt=1,
        group_id="g",
        expires_at=now + timedelta(hours=1),
    )
    Allocation.objects.create(
        waiting_reason=REASON,
        place=1,
        starts_at=now + timedelta(minutes=14),
        starts_by=now + timedelta(minutes=29),
        freed_by=holding.pk,
        **asked,
    )


def _play(run: Run, state: RunState, allocation: Allocation) -> None:
    """What a job would have left behind."""
    begun = clock.now() - timedelta(minutes=30 - run.number)
    took = timedelta(seconds=240 + 7 * run.number)
    fields: dict[str, Any] = {
        "state": state,
        "attempts_made": 1,
        "started_at": begun,
        "attempt_started_at": begun,
    }
    if state in ENDED:
        fields |= {"ended_at": begun + took, "attempted": took, "progress": 1.0}
    else:
        fields |= {"progress": 0.4}
    if state == RunState.FAILED:
        fields |= {
            "cause_code": "user_error",
            "cause_message": "ValueError: loss is nan",
            "cause_traceback": TRACEBACK,
        }
    Run.objects.filter(pk=run.pk).update(**fields)
    run.refresh_from_db()
    Attempt.objects.create(
        run=run,
        number=1,
        allocation_id=allocation.pk,
        fence=run.number,
        started_at=begun,
        ended_at=fields.get("ended_at"),
        environment=ENVIRONMENT,
    )
    steps = range(1, STEPS + 1)
    speed = 8 + 3 * run.number
    times = [begun.timestamp() + took.total_seconds() * step / STEPS for step in steps]
    for seq, (name, values) in enumerate(
        {
            "accuracy": [0.95 - 0.85 * math.exp(-step / speed) for step in steps],
            "loss": [2.3 * math.exp(-step / speed) + 0.02 for step in steps],
            "system/cpu_utilization_percentage": [50 + 30 * math.sin(step / 9) for step in steps],
        }.items(),
        1,
    ):
        report(run, steps, values, name=name, seq=seq, times=times)
    prints(
        run, *(f"\x1b[32mepoch {step}\x1b[0m loss {2.3 / step:.4f}" for step in steps), when=begun.timestamp()
    )
    Checkpoint.objects.create(
        run=run,
        attempt=1,
        step=STEPS,
        path=f"runs/{run.pk}/1-{STEPS}",
        metrics={"accuracy": 0.9, "loss": 0.1},
    )
    for kind in ("starting", "running", state):
        RunEvent.objects.create(experiment=run.experiment, run=run, kind=kind)
