"""What the stack's database says of one experiment: read directly, since the web may be what is dead."""

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.conf import settings
from psycopg.rows import dict_row

from mlplatform.embedded import postgres
from mlplatform.embedded.home import Home

Row = dict[str, Any]
LIMIT_S = 240.0
COUNTS = "SELECT count(*) AS n FROM experiments_run WHERE experiment_id = %s AND state = 'completed'"
STATE = "SELECT state FROM experiments_experiment WHERE id = %s"
# Under way, with a checkpoint to resume from, and at least as much still to do.
IN_THE_MIDDLE = """
    SELECT count(*) AS n FROM experiments_run r
    WHERE r.experiment_id = %s AND r.state = 'running'
        AND (SELECT max(step) FROM experiments_checkpoint c WHERE c.run_id = r.id) BETWEEN 2 AND 4"""
ORPHANS = """
    SELECT r.number FROM experiments_run r
    WHERE r.experiment_id = %s AND r.state IN ('starting', 'running') AND NOT EXISTS
        (SELECT FROM runners_lease l WHERE l.subject_id = r.id AND l.released_at IS NULL)"""
LOSSES = """
    SELECT r.number, l.release_reason AS reason, e.at - l.expires_at AS late, l.attempt
    FROM experiments_run r
    JOIN runners_lease l ON l.subject_id = r.id
    JOIN LATERAL (SELECT min(at) AS at FROM experiments_runevent e
        WHERE e.run_id = r.id AND e.kind = 'lost' AND e.at >= l.created_at) e ON e.at IS NOT NULL
    WHERE r.experiment_id = %s AND l.release_reason NOT IN ('completed', 'failed', 'stopped')
    ORDER BY l.id"""


class Ledger:
    """One experiment in the database of a stack, which may be away at any moment."""

    def __init__(self, home: Home, experiment: str) -> None:
        self._address = postgres.url(home.runtime / "postgres", "mlplatform")
        self._experiment = experiment
        self.longest_orphan_s = 0.0

    def rows(self, query: str) -> list[Row]:
        with psycopg.connect(self._address, autocommit=True, row_factory=dict_row) as database:
            return database.execute(query, [self._experiment]).fetchall()

    def wait(self, true: Callable[[], bool]) -> None:
        limit = time.monotonic() + LIMIT_S
        while time.monotonic() < limit:
            try:
                if true():
                    return
            except psycopg.OperationalError:
                time.sleep(0.2)
            time.sleep(0.05)
        raise AssertionError(f"not so after {LIMIT_S:.0f} s: {self.rows(RUNS)}")

    def completed(self) -> int:
        return int(self.rows(COUNTS)[0]["n"])

    def is_over(self) -> bool:
        return self.rows(STATE)[0]["state"] != "active"

    def is_in_the_middle_of_a_run(self) -> bool:
        return bool(self.rows(IN_THE_MIDDLE)[0]["n"])

    def silences(self) -> list[tuple[str, float]]:
        """Why attempts were lost, and the seconds from the last sign of life to the event that says so."""
        return [
            (row["reason"], row["late"].total_seconds() + settings.LEASE_SECONDS) for row in self.rows(LOSSES)
        ]

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Note for how long any run is under way by its state without a live lease."""
        over = threading.Event()
        watcher = threading.Thread(target=self._watch, args=(over,))
        watcher.start()
        try:
            yield
        finally:
            over.set()
            watcher.join()

    def _watch(self, over: threading.Event) -> None:
        since: dict[int, float] = {}
        while not over.wait(0.2):
            now = time.monotonic()
            try:
                orphans = {row["number"] for row in self.rows(ORPHANS)}
            except psycopg.OperationalError:
                # Whoever was one before the database went away is seen again when it is back.
                since.clear()
                continue
            since = {number: since.get(number, now) for number in orphans}
            self.longest_orphan_s = max([self.longest_orphan_s, *(now - at for at in since.values())])


RUNS = """
    SELECT number, state, attempts_made, params, cause_message,
        (SELECT count(*) FROM experiments_runevent e WHERE e.run_id = r.id AND kind = 'completed') AS completions
    FROM experiments_run r WHERE experiment_id = %s ORDER BY number"""
BATCHES = """
    SELECT r.number, b.name, b.steps, b.values FROM experiments_metricbatch b
    JOIN experiments_run r ON r.id = b.run_id
    WHERE r.experiment_id = %s AND b.level = 0 AND b.name IN ('value', 'began') ORDER BY r.number, b.attempt, b.seq"""
ATTEMPTS = """
    SELECT r.number, a.number AS attempt, a.resumed_from, a.outcome FROM experiments_attempt a
    JOIN experiments_run r ON r.id = a.run_id WHERE r.experiment_id = %s ORDER BY r.number, a.number"""


def check_points(ledger: Ledger, reports: int) -> None:
    """Every point of tests/integration/code/steady.py is there once, with its value, from the right beginning."""
    values: dict[int, list[tuple[int, float]]] = defaultdict(list)
    resumed: dict[int, list[int]] = defaultdict(list)
    for attempt in ledger.rows(ATTEMPTS):
        resumed[attempt["number"]].append(attempt["resumed_from"])
    for batch in ledger.rows(BATCHES):
        points = list(zip(batch["steps"], batch["values"], strict=True))
        if batch["name"] == "value":
            values[batch["number"]] += points
            continue
        # The training code itself says where it began. A step that counts is of the last attempt that began before it.
        for step, began in points:
            assert began == [at for at in resumed[batch["number"]] if at < step][-1], batch
    for run in ledger.rows(RUNS):
        number = run["params"].get("number", 1)
        right = [(step, number * 1000 + step) for step in range(1, reports + 1)]
        assert sorted(values[run["number"]]) == right, run
