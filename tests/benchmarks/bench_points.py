"""Points: how fast they are taken over HTTP, what they take on disk, and how soon a chart of a million is there.

    python -m tests.benchmarks.bench_points [--points 4000000] [--peer-points 60000]

The portal is real: one web process, worker, clock, PostgreSQL with durable commits, Valkey. The peer is MLflow's
server with one worker process and its database on the same PostgreSQL, spoken to through MLflow's own client. Both get
the same random walks from the same number of client threads. MLflow's history of a million points is put into its table
directly, since its API would take minutes; what is timed is reading it.
"""

import argparse
import json
import random
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import httpx
import mlflow
import msgpack
import psycopg
from mlflow.entities import Metric

from runners.harness import wire
from tests.benchmarks.mlflow_beside import DATABASE, mlflow_beside
from tests.benchmarks.portal_alone import PortalAlone, portal_alone
from tests.benchmarks.report import print_machine, print_table, spread
from tests.benchmarks.workers import Worker, workers

CLIENTS = 2
NAMES = ("loss", "accuracy", "lr", "grad_norm", "throughput")
# What is sent, and how many points a call has; the harness sends msgpack, up to 20,000 a call.
KINDS = (("JSON", 1000), ("JSON", 20_000), ("msgpack", 1000), ("msgpack", 5000), ("msgpack", 20_000))
LONG = 1_000_000
WIDTH = 2000
LIMIT_S = 300.0
OURS = (
    "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('experiments_metricbatch') WHERE isleaf"
)
THEIRS = "SELECT pg_total_relation_size('metrics') + pg_total_relation_size('latest_metrics')"
HOT = "SELECT count(*) FROM experiments_metricbatch WHERE attempt > 0"


def walk(size: int, seed: int) -> list[float]:
    draw = random.Random(seed)
    value = 0.0
    return [value := value + draw.gauss() for _ in range(size)]


def columns(first: int, size: int, names: Sequence[str]) -> list[dict[str, object]]:
    """Points of `size` steps of each metric."""
    steps = list(range(first, first + size))
    times = [1_700_000_000 + step / 10 for step in steps]
    return [{"name": n, "steps": steps, "values": walk(size, first + len(n)), "times": times} for n in names]


def timed(per_client: Callable[[int], int]) -> float:
    """Points per second of so many clients at once; each says how many it has sent."""
    sent: list[int] = []
    threads = [threading.Thread(target=lambda n=n: sent.append(per_client(n))) for n in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if len(sent) != CLIENTS:
        raise SystemExit("A client has failed; see above.")
    return sum(sent) / (time.perf_counter() - started)


def ingest_ours(team: list[Worker], points: int, per_batch: int, first: int) -> float:
    """What the portal takes in batches of so many points."""
    size = per_batch // len(NAMES)
    # Making up numbers is no part of it; sending them, encoding included, is.
    batches = [columns(first + at * size, size, NAMES) for at in range(points // CLIENTS // per_batch)]

    def client(number: int) -> int:
        for batch in batches:
            team[number].send(points=batch)
        return len(batches) * per_batch

    return timed(client)


def ingest_theirs(points: int) -> float:
    """What MLflow takes in batches of a thousand, which is its limit."""
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("ingest")
    runs = [client.create_run(experiment).info.run_id for _ in range(CLIENTS)]
    size = 1000 // len(NAMES)
    batches = [
        [
            Metric(str(c["name"]), value, int(1000 * when), step)
            for c in columns(1 + at * size, size, NAMES)
            for step, value, when in zip(c["steps"], c["values"], c["times"], strict=True)  # type: ignore[call-overload]
        ]
        for at in range(points // CLIENTS // 1000)
    ]

    def send(number: int) -> int:
        for batch in batches:
            client.log_batch(runs[number], metrics=batch)
        return len(batches) * 1000

    return timed(send)


def sql(url: str, query: str) -> int:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def small_batches(team: list[Worker], points: int, steps: int = 50) -> None:
    """As training code sends them: twice a second some steps of each metric."""

    def client(number: int) -> int:
        sent = 0
        for first in count(10**7, steps):
            if sent >= points // CLIENTS:
                return sent
            team[number].send(points=columns(first, steps, NAMES))
            sent += steps * len(NAMES)
        return sent

    timed(client)


def settle(url: str) -> None:
    """Wait for the compaction of what has ended; then what autovacuum does in its own time."""
    limit = time.monotonic() + LIMIT_S
    while sql(url, HOT):
        if time.monotonic() > limit:
            raise SystemExit("The points are not compacted.")
        time.sleep(0.5)
    vacuum(url)


def vacuum(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM")


def read(times: int, call: Callable[[], object], *, warm: bool = True) -> list[float]:
    """Seconds of each of so many calls, after one that warms up."""
    if warm:
        call()
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - started)
    return seconds


def chart_rows(portal: PortalAlone, mlflow_url: str, worker: Worker, times: int) -> list[list[object]]:
    """A curve of a million points at the width of a chart."""
    values = walk(LONG, 1)
    for first in range(0, LONG, 5000):
        steps = list(range(first, first + 5000))
        column = {"name": "long", "steps": steps, "values": values[first : first + 5000], "times": steps}
        worker.send(points=[column])
    client = portal.client._http
    path = f"/runs/{worker.lease.run_id}/metrics/"

    def ours() -> None:
        curve = client.get(path, params={"name": "long", "width": WIDTH}).raise_for_status().json()[0]
        if not 1000 < len(curve["steps"]) <= 2 * WIDTH + 2 or max(curve["values"]) != max(values):
            raise SystemExit("This is not the chart that was asked for.")

    hot = read(times, ours)
    worker.end()
    settle(portal.servers.database_url())
    rows: list[list[object]] = [
        [f"mlplatform, {WIDTH} px, while it streams", times, *spread(hot)],
        [f"mlplatform, {WIDTH} px, compacted", times, *spread(read(times, ours))],
    ]
    if not mlflow_url:
        return rows
    tracking = mlflow.MlflowClient()
    run_id = tracking.create_run(tracking.create_experiment("chart")).info.run_id
    with psycopg.connect(portal.servers.database_url(DATABASE)) as connection:
        copy = "COPY metrics (key, value, timestamp, run_uuid, step, is_nan) FROM STDIN"
        with connection.cursor() as cursor, cursor.copy(copy) as sink:
            for step, value in enumerate(values):
                sink.write_row(("long", value, step, run_id, step, False))
        connection.execute("INSERT INTO latest_metrics VALUES ('long', 0, 1, 1, false, %s)", [run_id])
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE metrics")

    def whole() -> None:
        if len(tracking.get_metric_history(run_id, "long")) != LONG:
            raise SystemExit("MLflow does not have all points.")

    def sampled() -> None:
        query = {"run_ids": run_id, "metric_key": "long", "max_results": 2500}
        page = f"{mlflow_url}/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
        found = httpx.get(page, params=query, timeout=60).raise_for_status().json()
        if len(found["metrics"]) < 1000:
            raise SystemExit(json.dumps(found)[:300])

    rows.append(["MLflow, its page's 2,500 samples", 5, *spread(read(5, sampled))])
    # A minute or more each.
    rows.append(["MLflow, get_metric_history", 1, *spread(read(1, whole, warm=False))])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--points", type=int, default=4_000_000)
    parser.add_argument("--peer-points", type=int, default=60_000)
    parser.add_argument("--reads", type=int, default=100)
    options = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as name, portal_alone(Path(name)) as portal:
        own = portal.servers.database_url()
        team = workers(portal, 2 * CLIENTS + 1)
        with mlflow_beside(portal.servers, Path(name)) as mlflow_url:
            theirs = ingest_theirs(options.peer_points)
            vacuum(portal.servers.database_url(DATABASE))
            their_bytes = sql(portal.servers.database_url(DATABASE), THEIRS) / options.peer_points
            speeds: list[tuple[str, float]] = []
            # Whole calls of every size for each client.
            share = options.points // len(KINDS) // (CLIENTS * 20_000) * CLIENTS * 20_000
            first = 1
            for kind, per_batch in KINDS:
                wire.msgpack = msgpack if kind == "msgpack" else None  # type: ignore[attr-defined]
                cpu = portal.cpu_seconds()["web"]
                ingest = ingest_ours(team[:CLIENTS], share, per_batch, first)
                used = (portal.cpu_seconds()["web"] - cpu) / share * 1e6
                speeds.append(
                    (f"mlplatform, {kind}, {per_batch:,} a call; web CPU {used:.1f} s per million", ingest)
                )
                first += options.points
            rows = [[text, f"{speed:,.0f}", f"{speed / theirs:.0f} x"] for text, speed in speeds]
            rows.append(["MLflow, log_batch, 1,000 a call", f"{theirs:,.0f}", "1 x"])
            print_table(f"Points taken, {CLIENTS} clients", ["", "points/s", "ratio"], rows)
            for worker in team[:CLIENTS]:
                worker.end()
            settle(own)
            sent = share * len(KINDS)
            large = sql(own, OURS) / sent
            small_batches(team[CLIENTS : 2 * CLIENTS], sent // 4)
            for worker in team[CLIENTS : 2 * CLIENTS]:
                worker.end()
            settle(own)
            after = sql(own, OURS) / (sent * 1.25)
            rows = [
                ["mlplatform, from large batches", f"{large:.1f}", f"1/{their_bytes / large:.1f}"],
                ["mlplatform, with a fifth from small ones", f"{after:.1f}", f"1/{their_bytes / after:.1f}"],
                ["MLflow", f"{their_bytes:.1f}", "1"],
            ]
            print_table("Bytes per point on disk, indexes included", ["", "bytes", "ratio"], rows)
            curves = chart_rows(portal, mlflow_url, team[-1], options.reads)
            print_table("A curve of 1,000,000 points, in ms", ["", "reads", "p50", "p95", "max"], curves)


if __name__ == "__main__":
    main()
