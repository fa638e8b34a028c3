"""The harness on a real Ray: one allocation of two workers lives through everything that can happen to a run."""

import shutil
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.runners.harness.fake_portal import FakePortal
from tests.runners.harness.ray_jobs import Job
from tests.runners.harness.test_ray_examples import EXAMPLES, config_of

pytestmark = pytest.mark.ray

BUNDLE = Path(__file__).parent / "bundle"


@pytest.fixture(scope="module")
def allocation(ray_cluster, tmp_path_factory):
    """All runs of one allocation, executed; the tests below look at what the portal got."""
    portal = FakePortal()
    portal.start()
    add = lambda name, **fields: portal.add(entrypoint=f"scenarios:{name}", **fields)  # noqa: E731
    runs = SimpleNamespace(
        first=add("happy", config={"epochs": 5}, progress_total=5),
        second=add("happy", config={"epochs": 5}),
        checkpointing=add("checkpointing", config={"epochs": 3}),
        one_rank_saves=add("one_rank_saves"),
        stopped=add("endless", stop_at_step=20),
        stubborn=add("endless_and_stubborn", stop_at_step=20),
        uneven=add("uneven"),
        digits=portal.add(entrypoint="digits:train", config=config_of("digits"), progress_total=12),
        outage=add("slow", config={"epochs": 40}),
        missing=portal.add(entrypoint="nothing:train"),
        syntax=portal.add(entrypoint="broken:train"),
        after_import_errors=add("happy", config={"epochs": 1}),
        unheard=add("slow", config={"epochs": 40, "raise_at": 20}),
        raising_one=add("raising", config={"rank": 1}),
        after_failing=add("looking_around", seed=7),
        dying=add("checkpointing", config={"epochs": 3, "die_at": 1}),
        destroying=add("destroying"),
        paused=add("pausing", pause=True),
        leaking=add("leaking", seed=7),
        after_leaking=add("looking_around", seed=7),
        last=add("happy", config={"epochs": 2}),
    )
    bundle = tmp_path_factory.mktemp("bundle") / "code"
    shutil.copytree(BUNDLE, bundle)
    shutil.copy(EXAMPLES / "digits" / "train.py", bundle / "digits.py")
    (bundle / "broken.py").write_text("def train(config:\n")
    outage = threading.Thread(target=break_portal, args=(portal, runs.outage, runs.unheard), daemon=True)
    outage.start()
    job = Job(ray_cluster, portal, tmp_path_factory.mktemp("allocation"), bundle)
    code = job.wait(timeout_s=600)
    outage.join()
    portal.stop()
    return SimpleNamespace(portal=portal, runs=runs, code=code, job=job)


def break_portal(portal, *runs):
    """Take the portal away for some seconds in the middle of each run."""
    for run in runs:
        deadline = time.monotonic() + 400
        while len(run.points["epoch"]) < 5 and time.monotonic() < deadline:
            time.sleep(0.05)
        portal.stop()
        time.sleep(3)
        portal.start()


@pytest.fixture
def runs(allocation):
    return allocation.runs


def test_the_driver_ends_well_when_the_portal_drains(allocation):
    assert allocation.code == 0, allocation.job.output()[-5000:]
    assert "allocation-1 ends: drain" in allocation.job.output()


def test_every_run_ended(runs):
    assert {name: run.state for name, run in vars(runs).items()} == {
        "first": "completed",
        "second": "completed",
        "checkpointing": "completed",
        "one_rank_saves": "completed",
        "stopped": "stopped",
        "stubborn": "stopped",
        "uneven": "completed",
        "digits": "completed",
        "outage": "completed",
        "unheard": "failed",
        "missing": "failed",
        "syntax": "failed",
        "after_import_errors": "completed",
        "raising_one": "failed",
        "after_failing": "completed",
        "dying": "completed",
        "destroying": "completed",
        "paused": "stopped",
        "leaking": "completed",
        "after_leaking": "completed",
        "last": "completed",
    }


def test_metrics_progress_and_environment(allocation, runs):
    assert runs.first.points["loss"] == [(n, pytest.approx(1 / n)) for n in range(1, 6)]
    assert runs.first.points["deep/epoch"] == [(n, n - 1.0) for n in range(1, 6)]
    assert runs.first.progress[-1] == 1.0
    assert "'note' is not recorded" in runs.first.logs[0]
    environment = allocation.portal.environments[0]
    assert f"ray=={environment['ray']}" in environment["packages"]


def test_output_of_both_ranks_from_python_and_c(runs):
    for rank in (0, 1):
        assert f"rank {rank} of 2 in digits #1" in runs.first.logs[rank]
        assert "from C" in runs.first.logs[rank]
        assert "cwd code; token None; seed 101" in runs.first.logs[rank]
        assert "digits #2" not in runs.first.logs[rank]


def test_good_runs_share_warm_processes_but_no_state(runs):
    def pid(run, rank):
        return run.logs[rank].split("pid ")[1].split()[0]

    good = ("second", "after_import_errors")
    assert all(pid(getattr(runs, name), rank) == pid(runs.first, rank) for name in good for rank in (0, 1))
    assert "left behind: x pid" in runs.second.log
    assert pid(runs.last, 0) != pid(runs.first, 0)


def test_only_failures_deaths_and_leaks_cost_a_worker_group(allocation):
    assert len(allocation.portal.groups) == 1 + len(
        ["unheard", "raising_one", "dying", "destroying", "leaking"]
    )


def test_checkpoints_of_all_ranks_are_merged(allocation, runs):
    run = runs.checkpointing
    assert [c["path"] for c in run.checkpoints] == [
        f"{allocation.job.storage}/{run.id}/1-{step:06d}" for step in (1, 2, 3)
    ]
    assert sorted(path.name for path in Path(run.checkpoints[-1]["path"]).iterdir()) == [
        "epoch",
        "rank0",
        "rank1",
    ]
    assert run.checkpoints[-1]["metrics"] == {"epoch": 2.0}


def test_a_checkpoint_of_one_rank_is_known_to_all(runs):
    assert len(runs.one_rank_saves.checkpoints) == 1


def test_a_stop_reaches_both_ranks_at_the_same_report(runs):
    for run in (runs.stopped, runs.stubborn):
        lines = [run.logs[rank].count("done") for rank in (0, 1)]
        assert lines[0] == lines[1] >= 19
    assert "swallowed StopRun" in runs.stubborn.logs[1]


def test_a_pause_reaches_both_ranks_at_the_same_checkpoint(runs):
    lines = [runs.paused.logs[rank].count("done") for rank in (0, 1)]
    steps = [step for step, _ in runs.paused.points["epoch"]]
    assert lines == [len(steps) - 1] * 2
    assert runs.paused.checkpoints[-1]["step"] == steps[-1]
    assert steps[-1] % 3 == 0


@pytest.mark.parametrize("name", ["after_leaking", "after_failing"])
def test_what_a_run_leaves_behind_does_not_reach_the_next(runs, name):
    def drawn(run, rank):
        return next(line for line in run.logs[rank].splitlines() if line.startswith("drawn"))

    run = getattr(runs, name)
    assert run.points.keys() == {"loss"}
    assert [step for step, _ in run.points["loss"]] == list(range(1, 11))
    for rank in (0, 1):
        assert f"checkpoint None of digits #{run.number}" in run.logs[rank]
        assert drawn(run, rank) == drawn(runs.leaking, rank) == drawn(runs.leaking, 0)


def test_leaked_threads_end_with_their_group(runs):
    assert "(Thread-" in runs.leaking.log
    for run in (runs.after_leaking, runs.after_failing):
        assert run.log.count("threads []") == 2


def sleeps(pid):
    """Whether the process is the one that was left behind: numbers are soon used again."""
    try:
        return b"sleep" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except FileNotFoundError:
        return False


def test_leaked_processes_are_ended(runs):
    for run in (runs.leaking, runs.raising_one):
        pids = [int(line.split()[1]) for line in run.log.splitlines() if line.startswith("child ")]
        assert len(pids) == 2
        assert not any(sleeps(pid) for pid in pids)


def test_ranks_that_report_unevenly_do_not_hang(runs):
    assert [step for step, _ in runs.uneven.points["number"]] == [1, 2, 3, 4]


def test_the_digits_example_works_unmodified(runs):
    assert [step for step, _ in runs.digits.points["accuracy"]] == list(range(1, 13))
    assert runs.digits.points["accuracy"][-1][1] >= 0.97
    assert runs.digits.progress[-1] == 1.0
    assert runs.digits.logs[0].count("epoch") == 12
    last = Path(runs.digits.checkpoints[-1]["path"])
    assert {path.name for path in last.iterdir()} == {"state.pt", "model.pt2"}


def test_nothing_is_lost_or_doubled_while_the_portal_is_away(runs):
    assert runs.outage.points["epoch"] == [(n + 1, float(n)) for n in range(40)]
    for rank in (0, 1):
        assert runs.outage.logs[rank].splitlines() == [f"line {n} of rank {rank}" for n in range(40)]


def test_what_was_kept_during_an_outage_is_sent_although_another_rank_failed_meanwhile(runs):
    assert runs.unheard.points["epoch"] == [(n + 1, float(n)) for n in range(21)]
    assert "boom while nobody listens" in runs.unheard.causes[0]["message"]


@pytest.mark.parametrize(
    ("name", "code", "message"),
    [
        ("missing", "code_error", "There is no nothing.py"),
        ("syntax", "code_error", "SyntaxError: '(' was never closed"),
        ("raising_one", "user_error", "ValueError: boom on purpose"),
    ],
)
def test_failures_have_a_cause(runs, name, code, message):
    run = getattr(runs, name)
    assert run.causes[0]["code"] == code
    assert message in run.causes[0]["message"]
    assert message.split(":")[0] in run.log


def test_the_traceback_is_the_users(runs):
    traceback = runs.raising_one.causes[0]["traceback"]
    assert traceback.splitlines()[1].startswith('  File "scenarios.py", line')
    assert "mlp_harness" not in traceback


def test_points_before_a_failure_arrive(runs):
    assert [step for step, _ in runs.raising_one.points["loss"]] == [1, 2, 3]


def test_a_dead_worker_is_told_at_once_replaced_and_its_run_resumes(allocation, runs):
    assert runs.dying.causes == [{"code": "worker_died"}]
    (death,) = allocation.portal.deaths
    assert death["code"] == "worker_died"
    assert "Worker exit type" in death["message"]
    assert runs.dying.attempt == 2
    assert "resume at 2 with ['epoch', 'rank0', 'rank1']" in runs.dying.log
    assert runs.dying.points["epoch"] == [(1, 0.0), (2, 1.0), (3, 2.0)]
    assert runs.dying.checkpoints[-1]["path"].endswith("/2-000003")


def test_fresh_processes_one_worker_and_a_token_that_dies(ray_cluster, portal, tmp_path):
    """Another allocation: every run has its own process; the token is revoked after the last one."""
    good = portal.add(entrypoint="scenarios:happy", config={"epochs": 2})
    missing = portal.add(entrypoint="nothing:train")
    exiting = portal.add(entrypoint="scenarios:exiting")

    def revoke(path, body):
        if path == "/leases" and exiting.state == "failed":
            return 401, {"detail": "revoked"}
        return None

    portal.intercept = revoke
    job = Job(ray_cluster, portal, tmp_path, BUNDLE, id="allocation-2", workers=1, fresh_process=True)
    assert job.wait(timeout_s=300) == 0, job.output()[-5000:]
    assert "allocation-2 ends: gone" in job.output()
    assert (good.state, missing.state) == ("completed", "failed")
    assert exiting.causes[0]["code"] == "user_exit"
    assert len(portal.groups) == 3
