"""What the command line looks up: an experiment by its address, a run by its number."""

from collections.abc import Callable

from rest_framework.test import APIClient

from accounts.models import User
from experiments.models import Experiment

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


def test_a_stranger_gets_404(api: Api, viewer: User, stranger: User, experiment: Experiment) -> None:
    for path in (
        f"{BASE}/sweep/",
        f"/api/v1/experiments/{experiment.id}/runs/1/",
    ):
        assert (api(viewer).get(path).status_code, api(stranger).get(path).status_code) == (200, 404), path
        assert api().get(path).status_code == 401, path
