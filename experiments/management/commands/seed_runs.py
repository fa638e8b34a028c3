"""`manage.py seed_runs`: an experiment with very many finished runs, to see how the portal bears them."""

import json
import math
import random
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction

from accounts.models import Project, User
from accounts.services.projects import project_create
from experiments.definition import Definition
from experiments.models import Experiment, Run, RunMetric, RunParam
from experiments.models.run import param_columns
from experiments.services.bundles import bundle_from_upload
from experiments.services.launch import experiment_create
from experiments.states import ExperimentState
from mlplatform.kernel import clock
from mlplatform.kernel.archive import pack

STATES = ("completed",) * 17 + ("failed", "canceled", "pruned")
TAGS: tuple[dict[str, str], ...] = ({}, {}, {"kind": "ablation"}, {"kind": "baseline", "by": "seed"})
METRICS = ("accuracy", "loss")
RUN_COLUMNS = (
    "id", "experiment_id", "number", "set_number", "repeat", "searched", "params", "tags", "seed", "state",
    "exempt", "waiting_reason", "stop_reason", "attempts_made", "failures", "losses", "judged_step", "progress",
    "progress_base", "cause_code", "cause_message", "cause_traceback", "created_at", "started_at", "ended_at",
    "attempted",
)  # fmt: skip
METRIC_COLUMNS = (
    "run_id", "experiment_id", "run_number", "name", "field", "last", "last_step", "min", "min_step", "max",
    "max_step", "count",
)  # fmt: skip
PARAM_COLUMNS = ("run_id", "experiment_id", "run_number", "name", "number", "text")


class Command(BaseCommand):
    """Writes runs, their parameters and the summaries of their metrics by COPY; points and logs they have none."""

    help = "Create an experiment with very many finished runs, in a project of its own unless one is named."

    def add_arguments(self, parser: CommandParser) -> None:
        """See Django."""
        parser.add_argument("--runs", type=int, default=100_000)
        parser.add_argument(
            "--metrics", type=int, default=20, help="metrics of each run, about: some lack one"
        )
        parser.add_argument("--params", type=int, default=10, help="parameters of each run")
        parser.add_argument("--repeat", type=int, default=1, help="runs of each parameter set")
        parser.add_argument("--project", default="Seeded", help="name of the project")
        parser.add_argument("--user", help="who owns it; by default the first site admin")
        parser.add_argument("--seed", type=int, default=1, help="equal seeds make equal runs")

    def handle(self, *args: Any, **options: Any) -> None:
        """See Django."""
        user = _user(options["user"])
        seeds = Seeds(options["seed"], options["metrics"], options["params"], options["repeat"])
        with transaction.atomic():
            experiment = seeds.experiment(user, options["project"])
            count = seeds.write(experiment, options["runs"])
        with connection.cursor() as cursor:
            # Sums from the index alone need pages that are known to be visible to all, plans need statistics.
            for model in (Run, RunMetric, RunParam):
                cursor.execute(f"VACUUM ANALYZE {model._meta.db_table}")
        self.stdout.write(f"{count} runs: {experiment.get_absolute_url()}")


class Seeds:
    """Makes up runs."""

    def __init__(self, seed: int, metrics: int, params: int, repeat: int) -> None:
        self._random = random.Random(seed)  # noqa: S311  # no secret
        self._metrics = [*METRICS, *(f"metric_{n:02}" for n in range(3, metrics + 1))][:metrics]
        self._params = ["lr", "optimizer", *(f"param_{n:02}" for n in range(3, params + 1))][:params]
        self._repeat = repeat

    def experiment(self, user: User, project_name: str) -> Experiment:
        """The experiment, with nothing to do."""
        project = Project.objects.filter(name=project_name).first()
        project = project or project_create(user=user, name=project_name)
        kinds = {"lr": "{type: float, default: 0.1}", "optimizer": "{type: str, default: adam}"}
        lines = [f"  {name}: {kinds.get(name, '{type: int, default: 0}')}" for name in self._params]
        manifest = "\n".join(["entrypoint: train:train", "parameters:" if lines else "", *lines])
        code = pack({"train.py": b"def train(config):\n    pass\n", "experiment.yaml": manifest.encode()})
        bundle = bundle_from_upload(user=user, project=project, filename="seeded.zip", content=code)
        definition = Definition(name="seeded", entrypoint="train:train", objective_metric="accuracy")
        made = experiment_create(
            user=user, project=project, bundle=bundle, definition=definition, param_sets=[{}]
        )
        made.runs.all().delete()
        # No reconciler has to look at it.
        Experiment.objects.filter(pk=made.pk).update(state=ExperimentState.COMPLETED, ended_at=clock.now())
        return made

    def write(self, experiment: Experiment, count: int) -> int:
        """The runs and their parameters, then the metrics."""
        runs = [self._run(experiment, number) for number in range(1, count + 1)]
        _copy(Run, RUN_COLUMNS, runs)
        _copy(RunParam, PARAM_COLUMNS, (row for run in runs for row in _params(run)))
        _copy(RunMetric, METRIC_COLUMNS, (row for run in runs for row in self._summaries(run)))
        return len(runs)

    def _run(self, experiment: Experiment, number: int) -> Sequence[Any]:
        draw = self._random
        params = {
            name: 10 ** draw.uniform(-5, -1)
            if name == "lr"
            else draw.choice(("adam", "sgd", "lion"))
            if name == "optimizer"
            else draw.randrange(64)
            for name in self._params
        }
        begun: datetime = experiment.created_at + timedelta(seconds=number)
        took = timedelta(seconds=round(draw.uniform(1, 4000), 3))
        state = draw.choice(STATES)
        cause = "user_error" if state == "failed" else ""
        set_number, repeat = divmod(number - 1, self._repeat)
        return (
            uuid.uuid4(), experiment.pk, number, set_number + 1, repeat + 1, True,
            json.dumps(params), json.dumps(draw.choice(TAGS)), number, state, False, "", "", 1, 0, 0, 0,
            1.0, 0.0, cause, "made up" if cause else "", "", experiment.created_at, begun, begun + took, took,
        )  # fmt: skip

    def _summaries(self, run: Sequence[Any]) -> Iterator[Sequence[Any]]:
        draw = self._random
        for name in self._metrics:
            chance = draw.random()
            if chance < 0.02:
                continue
            last = math.nan if chance < 0.03 else draw.random()
            low, high = (
                (None, None) if math.isnan(last) else (last * draw.random(), last + draw.random() / 10)
            )
            field = "max" if name == "accuracy" else "last"
            yield (run[0], run[1], run[2], name, field, last, 99, low, 3, high, 90, 100)


def _params(run: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for name, value in json.loads(run[6]).items():
        yield (*run[:3], name, *param_columns(value))


def _copy(model: type[Any], columns: Sequence[str], rows: Any) -> None:
    names = ", ".join(f'"{name}"' for name in columns)
    with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {model._meta.db_table} ({names}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _user(name: str | None) -> User:
    users = User.objects.filter(username=name) if name else User.objects.filter(is_superuser=True)
    user = users.order_by("pk").first()
    if user is None:
        raise CommandError(f"There is no user {name}." if name else "There is no site admin; name a --user.")
    return user
