"""Kill -9 of each part in the middle of a sweep: every run completes once, and every point is there once."""

import signal
import sys
from collections.abc import Callable, Iterator

import psutil
import pytest

from experiments.manifest import Manifest
from experiments.search.registry import searcher_for
from mlplatform.embedded.home import Home
from tests.integration.conftest import ApiUser
from tests.integration.ledger import ATTEMPTS, RUNS, Ledger, check_points
from tests.stack import EmbeddedStack

pytestmark = pytest.mark.integration
RUNS_IN_A_SWEEP = 20
REPORTS = 10
# Promised are 15 s after the last sign of life; a machine that is busy with other tests gets as much again.
NOTICED_WITHIN_S = 30.0

Sweep = Callable[..., Ledger]
LISTED = {"runs": [{"number": number, "reports": REPORTS} for number in range(1, RUNS_IN_A_SWEEP + 1)]}
TPE = f"""
entrypoint: train:train
parameters:
  x: {{type: float, min: 0, max: 1, default: 0.5}}
  reports: {{type: int, min: 1, max: 100, default: {REPORTS}}}
objective: {{metric: value, direction: maximize}}
search: {{method: tpe, runs: {RUNS_IN_A_SWEEP}, seed: 7, space: {{x: {{min: 0, max: 1}}}}}}
"""


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedStack]:
    """A stack of our own: these tests kill all of it, part by part."""
    stack = EmbeddedStack(Home(tmp_path_factory.mktemp("faults") / "home"))
    stack.up()
    yield stack
    assert stack.down() == 0


@pytest.fixture
def sweep(stack: EmbeddedStack, user: ApiUser, code: Callable[[str], str]) -> Sweep:
    """Start a sweep, two runs at a time."""

    def start(manifest: str = "") -> Ledger:
        bundle = user.upload(code("steady"), manifest)
        sets = {} if manifest else LISTED
        experiment = user.client.experiment_create(
            user.project, bundle=bundle, name="Faults", max_parallel=2, **sets
        )
        return Ledger(stack.home, experiment["id"])

    return start


def kill(stack: EmbeddedStack, name: str) -> None:
    """All processes of a service at once; then wait until the supervisor has it back."""
    row = stack.state().services[name]
    leader = psutil.Process(row.pid)
    kill_all([leader, *leader.children(recursive=True)])
    stack.wait_until(lambda state: state.services[name].restarts > row.restarts and state.is_ready)


def kill_all(processes: list[psutil.Process]) -> None:
    assert processes
    for process in processes:
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            # It ended together with its parent.
            continue


def train_workers(stack: EmbeddedStack) -> list[psutil.Process]:
    """The processes in which user code runs."""
    below_ray = psutil.Process(stack.state().services["ray"].pid).children(recursive=True)
    return [process for process in below_ray if "RayTrainWorker" in " ".join(process.cmdline())]


def finish(ledger: Ledger, capsys: pytest.CaptureFixture[str]) -> None:
    """Wait for the end, and check what must be true of it."""
    # Not until no run is left: a search has none between the end of one and the next proposal.
    ledger.wait(ledger.is_over)
    runs = ledger.rows(RUNS)
    assert [(run["state"], run["completions"]) for run in runs] == [("completed", 1)] * RUNS_IN_A_SWEEP, runs
    check_points(ledger, REPORTS)
    silences = ledger.silences()
    with capsys.disabled():
        resumed = [row for row in ledger.rows(ATTEMPTS) if row["resumed_from"]]
        lost = ", ".join(f"{reason} noticed after {seconds:.1f} s" for reason, seconds in silences)
        orphan = f"{ledger.longest_orphan_s:.1f} s"
        sys.stdout.write(
            f"\n  lost: {lost or 'nothing'}; resumed: {len(resumed)}; longest without lease: {orphan}\n"
        )
    assert max([seconds for _, seconds in silences], default=0.0) < NOTICED_WITHIN_S
    assert ledger.longest_orphan_s < NOTICED_WITHIN_S


def test_the_death_of_the_workers(
    stack: EmbeddedStack, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = sweep()
    with ledger.watched():
        ledger.wait(lambda: ledger.completed() >= 2)
        workers = train_workers(stack)
        ledger.wait(lambda: ledger.completed() >= 3 and ledger.is_in_the_middle_of_a_run())
        kill_all(workers)
        finish(ledger, capsys)
    assert any(row["resumed_from"] for row in ledger.rows(ATTEMPTS))


def test_the_death_of_the_portal_part_by_part(
    stack: EmbeddedStack, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = sweep()
    with ledger.watched():
        for completed, name in ((2, "web"), (6, "worker"), (10, "valkey"), (14, "postgres")):
            ledger.wait(lambda completed=completed: ledger.completed() >= completed)  # type: ignore[misc]
            assert ledger.completed() < RUNS_IN_A_SWEEP, f"over before {name} was killed"
            kill(stack, name)
        finish(ledger, capsys)
    assert len(ledger.rows(ATTEMPTS)) == RUNS_IN_A_SWEEP, "no run was lost, only the portal"


def test_the_death_of_the_ray_head(
    stack: EmbeddedStack, sweep: Sweep, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger = sweep(TPE)
    with ledger.watched():
        ledger.wait(lambda: ledger.completed() >= 3 and ledger.is_in_the_middle_of_a_run())
        kill(stack, "ray")
        finish(ledger, capsys)
    assert any(row["resumed_from"] for row in ledger.rows(ATTEMPTS))
    # The search went on as if nothing had happened: it begins as its seed says, and no set is there twice.
    manifest = Manifest.from_yaml(TPE)
    searcher = searcher_for(manifest.search, manifest.parameters, direction="maximize")
    found = [run["params"] for run in ledger.rows(RUNS)]
    assert found[: searcher.startup] == [searcher.propose(n, []) for n in range(1, searcher.startup + 1)]
    assert len({params["x"] for params in found}) == RUNS_IN_A_SWEEP
