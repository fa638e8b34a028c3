"""What the command line looks up: an experiment by its address, a run by its number, a log from a position."""

import zlib
from collections.abc import Callable

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from experiments.models import Experiment, LogChunk, Run

Api = Callable[..., APIClient]
BASE = "/api/v1/projects/vision/experiments"


def test_an_experiment_by_its_address(api: Api, owner: User, experiment: Experiment) -> None:
    assert api(owner).get(f"{BASE}/sweep/").json()["id"] == str(experiment.id)
    assert api(owner).get(f"{BASE}/other/").status_code == 404
    assert api(owner).get("/api/v1/projects/other/experiments/sweep/").status_code == 404


def test_one_that_is_called_preview(api: Api, owner: User, experiment: Experiment) -> None:
    Experiment.objects.update(slug="preview")
    assert api(owner).get(f"{BASE}/preview/").json()["id"] == str(experiment.id)


def test_experiments_are_listed_with_the_states_of_their_runs(
    api: Api, owner: User, experiment: Experiment
) -> None:
    experiment.runs.filter(number=1).update(state="failed")
    (listed,) = api(owner).get(f"{BASE}/").json()
    assert listed["runs"] == {"total": 2, "open": 1, "completed": 0, "failed": 1}


def test_a_run_by_its_number(api: Api, owner: User, experiment: Experiment) -> None:
    path = f"/api/v1/experiments/{experiment.id}/runs"
    assert api(owner).get(f"{path}/2/").json()["params"]["lr"] == 0.2
    assert api(owner).get(f"{path}/3/").status_code == 404
    assert api(owner).get(f"{path}/{10**30}/").status_code == 404


@pytest.fixture
def run(experiment: Experiment) -> Run:
    run = experiment.runs.get(number=1)
    Run.objects.filter(pk=run.pk).update(attempts_made=2)
    for seq, (attempt, text) in enumerate([(1, "old\n"), (2, "one\n"), (2, "two\n")], 1):
        content = zlib.compress(text.encode())
        LogChunk.objects.create(
            run=run, attempt=attempt, rank=0, seq=seq, offset=0, size=len(text), content=content
        )
    return run


def test_a_log_goes_on_where_it_ended(api: Api, owner: User, run: Run) -> None:
    client, path = api(owner), f"/api/v1/runs/{run.id}/log/"
    first = LogChunk.objects.get(attempt=2, seq=2)
    rest = client.get(path, {"after": first.pk})
    assert rest.content == b"two\n"
    assert client.get(path).content == b"one\ntwo\n"
    nothing = client.get(path, {"after": rest["Log-End"]})
    assert (nothing.content, nothing["Log-End"]) == (b"", rest["Log-End"])
    assert client.get(path, {"attempt": 1, "after": 0}).content == b"old\n"


@pytest.mark.parametrize(
    ("name", "value"), [("after", "x"), ("after", "-1"), ("after", str(10**19)), ("attempt", str(10**10))]
)
def test_a_position_that_is_none(api: Api, owner: User, run: Run, name: str, value: str) -> None:
    answer = api(owner).get(f"/api/v1/runs/{run.id}/log/", {name: value})
    assert (answer.status_code, answer.json()["field"]) == (400, name)


def test_a_stranger_gets_404(
    api: Api, viewer: User, stranger: User, experiment: Experiment, run: Run
) -> None:
    for path in (
        f"{BASE}/sweep/",
        f"/api/v1/experiments/{experiment.id}/runs/1/",
        f"/api/v1/runs/{run.id}/log/?after=0",
    ):
        assert (api(viewer).get(path).status_code, api(stranger).get(path).status_code) == (200, 404), path
        assert api().get(path).status_code == 401, path
