"""The portal's own processes (web, worker, clock, PostgreSQL, Valkey) with a simulated backend: no Ray, no MLflow."""

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from mlplatform.cli.client import PortalClient
from mlplatform.embedded import child, ports
from mlplatform.embedded.child import Child
from mlplatform.kernel.archive import pack
from tests.stack import ROOT, START_LIMIT_S, Servers, wait_until_well

PASSWORD = "correct horse battery"
CODE = "def train(config):\n    pass\n"
PLAIN = ("--ws-per-message-deflate", "false")
TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class PortalAlone:
    """A running portal: `jobs` is where its backend leaves what is to be played."""

    def __init__(self, url: str, jobs: Path, children: dict[str, Child], servers: Servers) -> None:
        self.url = url
        self.jobs = jobs
        self._children = children
        self.servers = servers
        self.client = PortalClient(url)
        self.client.sign_in("demo", PASSWORD, name="benchmark")

    def launch(self, *, runs: int, slots: int) -> str:
        """An experiment of so many runs, so many at a time; its id."""
        project = self.client.project("Benchmark")["slug"]
        bundle = self.client._http.post(
            f"/projects/{project}/bundles/",
            files={"file": ("bundle.zip", _bundle())},
        )
        bundle.raise_for_status()
        search = {"method": "random", "runs": runs, "space": {"x": {"min": 0, "max": 1}}}
        experiment = self.client.experiment_create(
            project, bundle=bundle.json()["id"], name="simulated", search=search, max_parallel=slots
        )
        return str(experiment["id"])

    def wait_for_jobs(self, count: int) -> list[dict[str, str]]:
        """The environments of so many submitted jobs."""
        limit = time.monotonic() + START_LIMIT_S
        while len(found := sorted(self.jobs.glob("*.job"))) < count:
            if time.monotonic() > limit:
                raise SystemExit(f"Only {len(found)} of {count} jobs were submitted.")
            time.sleep(0.05)
        return [json.loads(path.read_text()) for path in found]

    def memory(self, part: str) -> float:
        """MiB of memory that a part holds now (RSS)."""
        return psutil.Process(self._children[part].pid).memory_info().rss / 2**20

    def cpu_seconds(self) -> dict[str, float]:
        """CPU time so far of each part, with its descendants that live."""
        parents = dict(_processes())
        parts = {name: each.pid for name, each in self._children.items()}
        parts |= {
            name: each.process.pid
            for name, each in zip(("valkey", "postgres"), self.servers.children, strict=True)
        }
        return {name: _family_seconds(pid, parents) for name, pid in parts.items()}


@contextmanager
def portal_alone(folder: Path) -> Iterator[PortalAlone]:
    """Start everything, and stop it again."""
    servers = Servers(durable=True)
    servers.start()
    children: dict[str, Child] = {}
    jobs = folder / "jobs"
    jobs.mkdir()
    (folder / "password").write_text(PASSWORD)
    listener = ports.web_listener(0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    environment = {
        **os.environ,
        **servers.environment(),
        "MLP_PORTAL_URL": url,
        "MLP_DEMO_PASSWORD_FILE": str(folder / "password"),
        "BENCH_JOBS": str(jobs),
        "DJANGO_SETTINGS_MODULE": "tests.benchmarks.settings",
        "PYTHONPATH": str(ROOT),
    }

    def start(name: str, *command: str) -> Child:
        return child.spawn(
            (sys.executable, *command),
            environment=environment,
            folder=ROOT,
            log=folder / f"{name}.log",
            inherited=(listener.fileno(),),
        )

    try:
        if start("setup", "manage.py", "bootstrap", "--migrate").process.wait(START_LIMIT_S):
            raise SystemExit((folder / "setup.log").read_text()[-3000:])
        # As in the embedded stack.
        web = ("mlplatform.asgi:application", "--fd", str(listener.fileno()), "--no-access-log", *PLAIN)
        children["web"] = start("web", "-m", "uvicorn", *web)
        children["worker"] = start(
            "worker", "-m", "dramatiq", "mlplatform.worker", "--processes", "1", "--threads", "8"
        )
        children["clock"] = start("clock", "-m", "mlplatform.clock")
        wait_until_well(url, folder / "web.log")
        yield PortalAlone(url, jobs, children, servers)
    finally:
        for each in children.values():
            each.process.terminate()
        for each in children.values():
            each.process.wait(30)
        servers.stop()
        listener.close()


def _bundle() -> bytes:
    manifest = b"entrypoint: train:train\nparameters:\n  x: {type: float, min: 0, max: 1, default: 0.5}\n"
    return pack({"train.py": CODE.encode(), "experiment.yaml": manifest})


def _processes() -> Iterator[tuple[int, tuple[int, float]]]:
    """Of every process: its parent and its CPU seconds."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        # Those of children that it has waited for count as its own.
        yield int(path.parent.name), (int(fields[1]), sum(map(int, fields[11:15])) / TICKS_PER_S)


def _family_seconds(pid: int, processes: dict[int, tuple[int, float]]) -> float:
    children = (each for each, (parent, _) in processes.items() if parent == pid)
    return processes.get(pid, (0, 0.0))[1] + sum(_family_seconds(each, processes) for each in children)
