"""A page of 50 out of 100,000 runs, filtered and sorted: how long does it take?

    python -m tests.benchmarks.bench_run_query [--runs 100000] [--times 40]

Runs have 20 metrics and 10 parameters. Both sides are asked over HTTP, on one PostgreSQL with durable commits: our REST
API, and `search_runs` of MLflow's tracking server, with the same values in its own tables, which COPY has filled. Ours
as HTML as well: the page that people see, and the part of it that is fetched at every report.
"""

# ruff: noqa: T201  # a command

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psycopg

from mlplatform.embedded import ports
from tests.benchmarks.report import print_machine, print_table, spread
from tests.servers import mlflow
from tests.stack import ROOT, Servers

QUERIES: dict[str, tuple[dict[str, str], dict[str, Any] | None]] = {
    "accuracy > 0.9 and state, by loss": (
        {"where": "metrics.accuracy > 0.9 and state = completed", "sort": "-metrics.loss"},
        {
            "filter": "metrics.accuracy > 0.9 and attributes.status = 'FINISHED'",
            "order_by": ["metrics.loss DESC"],
        },
    ),
    "two metrics and a parameter, by another": (
        {
            "where": "metrics.accuracy > 0.3 and metrics.loss < 0.2 and params.optimizer = adam",
            "sort": "metrics.metric_07",
        },
        {
            "filter": "metrics.accuracy > 0.3 and metrics.loss < 0.2 and params.optimizer = 'adam'",
            "order_by": ["metrics.metric_07 ASC"],
        },
    ),
    "all, by accuracy": ({"sort": "-metrics.accuracy"}, {"order_by": ["metrics.accuracy DESC"]}),
    "all, by a parameter": ({"sort": "params.lr"}, {"order_by": ["params.lr ASC"]}),
    # MLflow has no `or` and compares parameters as text only.
    "or between parameters and tags, by a metric": (
        {
            "where": "metrics.accuracy > 0.9 and (params.lr < 0.01 or tags.kind = ablation) and state = completed",
            "sort": "-metrics.metric_09",
        },
        None,
    ),
}
LIVE = {"HX-Request": "true"}
BY_ACCURACY = {"sort": "-metrics.accuracy"}
FILTERED = {"where": "metrics.accuracy > 0.9 and state = completed", "sort": "-metrics.loss"}
PAGES: tuple[tuple[str, dict[str, str], dict[str, str]], ...] = (
    ("all, by accuracy: page", BY_ACCURACY, {}),
    ("all, by accuracy: its live part", BY_ACCURACY, LIVE),
    ("accuracy > 0.9 and state, by loss: page", FILTERED, {}),
    ("grouped by one of 3 values", {"group": "params.optimizer"}, {}),
    ("grouped by one of 64 values", {"group": "params.param_03"}, {}),
    ("grouped by one of 100,000 values", {"group": "params.lr"}, {}),
)
# Tables of MLflow with their columns, and where the values are here.
COPIES = {
    "runs (run_uuid, name, status, lifecycle_stage, experiment_id, start_time, end_time, source_type, user_id)": """
        SELECT replace(id::text, '-', ''), number, CASE state WHEN 'completed' THEN 'FINISHED' ELSE 'FAILED' END,
            'active', {experiment}, 1, 2, 'JOB', 'bench' FROM experiments_run""",
    "latest_metrics (key, value, timestamp, step, is_nan, run_uuid)": """
        SELECT name, coalesce(value, 0), 1, 99, value IS NULL, replace(run_id::text, '-', '')
        FROM experiments_runmetric""",
    "params (key, value, run_uuid)": """
        SELECT name, coalesce(number::text, text), replace(run_id::text, '-', '') FROM experiments_runparam""",
}


@contextmanager
def portal(environment: dict[str, str]) -> Iterator[tuple[str, str]]:
    """One web process with an account; its address and a token."""
    listener = ports.web_listener(0)
    port = listener.getsockname()[1]
    listener.close()
    environment = environment | {"MLP_PORTAL_URL": f"http://127.0.0.1:{port}"}
    make = "from accounts.models import User; from accounts.services.tokens import token_create\n"
    make += "user = User.objects.create_superuser('bench', 'b@example.org', 'x')\n"
    make += "print(token_create(user=user, name='bench')[1])"
    manage(environment, "migrate")
    token = manage(environment, "shell", "--no-imports", "-c", make).split()[-1]
    command = [sys.executable, "-m", "uvicorn", "mlplatform.asgi:application", "--port", str(port)]
    server = subprocess.Popen([*command, "--log-level", "warning"], cwd=ROOT, env=environment)
    try:
        yield environment["MLP_PORTAL_URL"], token
    finally:
        server.terminate()
        server.wait(20)


def manage(environment: dict[str, str], *arguments: str) -> str:
    """`manage.py`; what it prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment,
        check=True,
        stdout=subprocess.PIPE,
    )
    return done.stdout.decode()


def browser(url: str) -> httpx.Client:
    """Signed in as people do."""
    client = httpx.Client(base_url=url, timeout=60, trust_env=False)
    client.get("/accounts/login/")
    csrf = next(value for name, value in client.cookies.items() if name.startswith("mlp_csrf"))
    form = {"login": "bench", "password": "x", "csrfmiddlewaretoken": csrf}
    client.post("/accounts/login/", data=form, headers={"Referer": url})
    return client


def measure(ask: Callable[[], httpx.Response], times: int) -> list[float]:
    """Seconds of each answer, after three that warm up."""
    for _ in range(3):
        ask().raise_for_status()
    took = []
    for _ in range(times):
        start = time.perf_counter()
        ask().raise_for_status()
        took.append(time.perf_counter() - start)
    return took


def fill(ours: str, theirs: str, experiment: str) -> None:
    """Give MLflow what we have."""
    with psycopg.connect(ours) as source, psycopg.connect(theirs, autocommit=True) as target:
        for table, query in COPIES.items():
            reading = f"COPY ({query.format(experiment=experiment)}) TO STDOUT"
            with (
                source.cursor().copy(reading) as rows,
                target.cursor().copy(f"COPY {table} FROM STDIN") as copy,
            ):
                for piece in rows:
                    copy.write(piece)
        target.execute("VACUUM ANALYZE")
        # What filling left to write must not be written while somebody measures.
        target.execute("CHECKPOINT")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=40)
    options = parser.parse_args()
    print_machine()
    servers = Servers(durable=True)
    servers.start()
    environment = os.environ | servers.environment()
    ours = environment["MLP_DATABASE_URL"]
    theirs = ours.replace("/mlplatform?", "/mlflow?")
    with psycopg.connect(ours, autocommit=True) as connection:
        connection.execute("CREATE DATABASE mlflow")
    rows = []
    with (
        tempfile.TemporaryDirectory(prefix="mlp-bench-") as folder,
        portal(environment) as (url, token),
        mlflow.running(Path(folder), theirs.replace("postgresql:", "postgresql+psycopg:")) as peer,
    ):
        print(manage(environment, "seed_runs", "--runs", str(options.runs)))
        api = httpx.Client(base_url=f"{peer.url}/api/2.0/mlflow", timeout=300, trust_env=False)
        experiment = api.post("/experiments/create", json={"name": "seeded"}).json()["experiment_id"]
        fill(ours, theirs, experiment)
        client = httpx.Client(
            base_url=url, timeout=60, trust_env=False, headers={"Authorization": f"Bearer {token}"}
        )
        path = "/api/v1/projects/seeded/experiments/seeded/"
        place = f"/api/v1/experiments/{client.get(path).json()['id']}/runs/"
        for name, (mine, its) in QUERIES.items():
            params = {**mine, "limit": "50"}
            took = measure(partial(client.get, place, params=params), options.times)
            rows.append([f"{name}: mlplatform", *spread(took)])
            if its:
                body = {"experiment_ids": [experiment], "max_results": 50, **its}
                took = measure(partial(api.post, "/runs/search", json=body), max(3, options.times // 8))
                rows.append([f"{name}: MLflow", *spread(took)])
        for name, params, headers in PAGES:
            shown = partial(browser(url).get, "/p/seeded/e/seeded/", params=params, headers=headers)
            rows.append([f"HTML, {name}", *spread(measure(shown, options.times))])
    servers.stop()
    print_table(f"A page of 50 out of {options.runs:,} runs, in ms", ["", "p50", "p95", "max"], rows)


if __name__ == "__main__":
    main()
