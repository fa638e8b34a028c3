"""From `report` in a run to the curve on a screen, with 50 runs that stream and 200 open pages.

    python -m tests.benchmarks.bench_live [--seconds 60] [--peer-seconds 100]

Ours: the portal's own processes with a simulated backend. Fifty of the harness's uploaders report once a second, with
their usual batching. 200 sockets watch the experiment, and so does its page in a headless Chromium, where the time is
taken in the animation frame after uPlot has drawn a point. All of it shares this machine's CPUs.
The peer: MLflow's server on the same PostgreSQL. Fifty runs send `log_batch` once a second, from ten threads, and a
chart asks for the histories of all as MLflow's page does, every 30 s, with its own call. That is one page, not 200.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from itertools import count
from pathlib import Path
from shutil import which
from typing import Any
from urllib.parse import urlsplit

import httpx
import mlflow
from mlflow.entities import Metric
from playwright.sync_api import Page, sync_playwright

from runners.harness.stream import Stream
from tests.benchmarks.mlflow_beside import mlflow_beside
from tests.benchmarks.portal_alone import PASSWORD, PortalAlone, portal_alone
from tests.benchmarks.report import print_machine, print_table, spread
from tests.benchmarks.workers import workers

RUNS = 50
SOCKETS = 200
PERIOD_S = 1.0
WARM_UP_S = 15.0
WATCH_LIMIT_S = 60.0
# Its value is the time of the report.
METRIC = "at"
# Those of MLflow's: its server has 15 connections to PostgreSQL, and answers more with errors.
CLIENTS = 10
# What MLflow's page waits between two questions.
POLL_S = 30.0
PAGE = """
window.ages = [];
const seen = new Set();
const note = (data) => requestAnimationFrame(() => {
  for (const column of data.slice(1)) for (const value of column) {
    if (!value || seen.has(value)) continue;
    seen.add(value);
    window.ages.push(Date.now() / 1000 - value);
  }
});
let drawn;
Object.defineProperty(window, "uPlot", {
  get: () => drawn,
  set: (Original) => {
    drawn = class extends Original {
      constructor(options, data, target) {
        super(options, data, target);
        const draw = this.setData;
        this.setData = (data, ...rest) => { draw(data, ...rest); note(data); };
        note(data);
      }
    };
  },
});
"""


class Reports:
    """All runs report in turn, each once per period."""

    def __init__(self, streams: list[Stream]) -> None:
        self._streams = streams
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End all runs."""
        self._over.set()
        self._thread.join()
        for stream in self._streams:
            stream.finish("completed")
            stream.close()

    def _work(self) -> None:
        step, due = 0, time.monotonic()
        while True:
            step += 1
            for stream in self._streams:
                due += PERIOD_S / len(self._streams)
                if self._over.wait(max(0.0, due - time.monotonic())):
                    return
                stream.points(step, {METRIC: time.time(), "loss": 1 / step})


def ours(portal: PortalAlone, seconds: float) -> tuple[list[list[object]], list[list[object]]]:
    """Rows of ages, and of the web process's memory."""
    streams = [Stream(worker.client, worker.lease, 0) for worker in workers(portal, RUNS)]
    for stream in streams:
        stream.start()
    [experiment] = portal.client.experiments("benchmark")
    reports = Reports(streams)
    with listening(portal, experiment["id"]) as listeners, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=["--no-sandbox"])
        page = open_page(browser.new_page(base_url=portal.url), experiment["url"])
        time.sleep(WARM_UP_S)
        page.evaluate("window.ages.length = 0")
        before, cpu = portal.memory("web"), portal.cpu_seconds()
        time.sleep(seconds)
        after, busy = portal.memory("web"), portal.cpu_seconds()["web"] - cpu["web"]
        drawn = page.evaluate("window.ages")
        heard, _ = listeners.communicate("over\n", timeout=60)
        browser.close()
    reports.stop()
    found = json.loads(heard)
    if found["lost"]:
        raise SystemExit(f"{found['lost']} sockets were closed.")
    rows: list[list[object]] = [
        ["mlplatform, drawn in Chromium", len(drawn), *spread(drawn)],
        [f"mlplatform, heard by {SOCKETS} sockets", len(found["ages"]), *spread(found["ages"])],
    ]
    return rows, [["web", f"{before:.1f}", f"{after:.1f}", f"{100 * busy / seconds:.0f} %"]]


def open_page(page: Page, url: str) -> Page:
    """Sign in, and watch the experiment."""
    page.goto("/accounts/login/?next=" + urlsplit(url).path)
    page.locator("[name=login]").fill("demo")
    page.locator("[name=password]").fill(PASSWORD)
    page.add_init_script(PAGE)
    page.locator("[name=password]").press("Enter")
    limit = time.monotonic() + WATCH_LIMIT_S
    # No wait_for_function: the page's own policy refuses to evaluate what it makes of its argument.
    while not page.evaluate("window.ages?.length"):
        if time.monotonic() > limit:
            raise SystemExit(f"No point was drawn on {page.url}.")
        page.wait_for_timeout(200)
    return page


def listening(portal: PortalAlone, experiment: str) -> subprocess.Popen[str]:
    """The other pages, in a process of their own."""
    url = f"{portal.url.replace('http', 'ws', 1)}/ws/live/experiment/{experiment}/"
    token = portal.client.sign_in("demo", PASSWORD, name="listeners")
    command = [sys.executable, "-m", "tests.benchmarks.listeners", url, token, METRIC, str(SOCKETS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    if process.stdout.readline() != "watching\n":
        raise SystemExit("The sockets did not open.")
    return process


def theirs(url: str, seconds: float) -> list[object]:
    """A row of ages: what a page that polls shows, as soon as it has the answer."""
    client = mlflow.MlflowClient()
    experiment = client.create_experiment("live")
    runs = [client.create_run(experiment).info.run_id for _ in range(RUNS)]
    over = threading.Event()

    def report(first: int) -> None:
        mine = runs[first::CLIENTS]
        for turn in count():
            due = started + (first / CLIENTS + turn) * PERIOD_S / len(mine)
            if over.wait(max(0.0, due - time.monotonic())):
                return
            step, now = 1 + turn // len(mine), time.time()
            metrics = [
                Metric(METRIC, now, int(1000 * now), step),
                Metric("loss", 1 / step, int(1000 * now), step),
            ]
            client.log_batch(mine[turn % len(mine)], metrics=metrics)

    started = time.monotonic()
    threads = [threading.Thread(target=report, args=(first,)) for first in range(CLIENTS)]
    for thread in threads:
        thread.start()
    seen: set[float] = set()
    ages: list[float] = []
    page = f"{url}/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval"
    query: dict[str, Any] = {"run_ids": runs, "metric_key": METRIC, "max_results": 320}
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        time.sleep(POLL_S)
        found = httpx.get(page, params=query, timeout=60).raise_for_status().json()
        now = time.time()
        fresh = {point["value"] for point in found["metrics"]} - seen
        ages.extend(now - value for value in fresh)
        seen |= fresh
    over.set()
    for thread in threads:
        thread.join()
    return [f"MLflow, asked every {POLL_S:.0f} s", len(ages), *spread(ages)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--peer-seconds", type=float, default=100)
    options = parser.parse_args()
    print_machine()
    with tempfile.TemporaryDirectory(prefix="mlp-bench-") as folder, portal_alone(Path(folder)) as portal:
        rows, memory = ours(portal, options.seconds)
        if options.peer_seconds:
            with mlflow_beside(portal.servers, Path(folder)) as url:
                rows.append(theirs(url, options.peer_seconds))
    print_table(
        f"From the report to who watches: {RUNS} runs, {SOCKETS} sockets and a page, in ms",
        ["", "points", "p50", "p95", "max"],
        rows,
    )
    print_table("Meanwhile", ["", "MiB before", "MiB after", "CPU"], memory)


if __name__ == "__main__":
    main()
