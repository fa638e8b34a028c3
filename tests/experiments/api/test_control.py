from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Project, User
from experiments.models import Bundle, Checkpoint, Experiment, Run
from tests.experiments.conftest import Finish
from tests.experiments.services.test_searching import RANDOM

Api = Callable[..., APIClient]


def post(client: APIClient, path: str, content: Any = None) -> Any:
    return client.post(f"/api/v1/{path}", content if content is not None else {}, format="json")


def test_pause_and_resume(api: Api, owner: User, experiment: Experiment) -> None:
    client = api(owner)
    assert post(client, f"experiments/{experiment.id}/pause/").json()["state"] == "paused"
    again = post(client, f"experiments/{experiment.id}/pause/")
    assert (again.status_code, again.json()["code"]) == (409, "conflict")
    assert post(client, f"experiments/{experiment.id}/resume/").json()["state"] == "active"


def test_several_runs(api: Api, owner: User, experiment: Experiment) -> None:
    client = api(owner)
    answer = post(client, f"experiments/{experiment.id}/runs/cancel/", {"numbers": [1, 9]})
    assert answer.json() == {"changed": [1], "skipped": [9]}
    answer = post(client, f"experiments/{experiment.id}/runs/retry/", {"numbers": [1, 2]})
    assert answer.json() == {"changed": [1], "skipped": [2]}
    assert post(client, f"experiments/{experiment.id}/runs/retry/").json() == {"changed": [], "skipped": []}
    assert post(client, f"experiments/{experiment.id}/runs/cancel/", {"numbers": ["x"]}).status_code == 400


def test_a_search_is_launched_changed_and_cloned(
    api: Api, owner: User, project: Project, typed_bundle: Bundle
) -> None:
    client = api(owner)
    made = post(
        client,
        "projects/vision/experiments/",
        {"bundle": str(typed_bundle.id), "name": "search", "search": RANDOM, "max_hours": 2},
    )
    assert made.status_code == 201, made.json()
    assert made.json()["search"]["method"] == "random"
    assert made.json()["budget"] == {"max_hours": 2, "target": None}
    path = f"experiments/{made.json()['id']}/"
    changed = client.patch(f"/api/v1/{path}", {"max_parallel": 2, "max_hours": None}, format="json")
    assert (changed.json()["max_parallel"], changed.json()["budget"]["max_hours"]) == (2, None)
    refused = client.patch(f"/api/v1/{path}", {"workers": 2}, format="json")
    assert (refused.status_code, refused.json()["field"]) == (400, "workers")
    clone = post(client, f"{path}clone/", {"name": "again", "search": {**RANDOM, "runs": 2}})
    assert clone.status_code == 201, clone.json()
    assert clone.json()["cloned_from"] == made.json()["id"]
    assert clone.json()["max_parallel"] == 2
    runs = [client.get(f"/api/v1/experiments/{e.json()['id']}/runs/").json() for e in (made, clone)]
    assert [run["params"] for run in runs[1]] == [run["params"] for run in runs[0]][:2]


def test_a_clone_of_listed_runs_lists_them_again(api: Api, owner: User, experiment: Experiment) -> None:
    clone = post(api(owner), f"experiments/{experiment.id}/clone/", {"name": "again"}).json()
    assert clone["slug"] == "again"
    assert list(Run.objects.filter(experiment=clone["id"]).values_list("params", flat=True)) == list(
        experiment.runs.values_list("params", flat=True)
    )


def test_a_clone_of_listed_runs_with_repeats_is_not_empty(
    api: Api, owner: User, project: Project, typed_bundle: Bundle
) -> None:
    content = {"bundle": str(typed_bundle.id), "name": "a", "search": {"method": "list", "repeat": 3}}
    refused = post(api(owner), "projects/vision/experiments/", content)
    assert (refused.status_code, refused.json()["field"]) == (400, "runs")
    made = post(api(owner), "projects/vision/experiments/", {**content, "runs": [{"lr": 0.1}, {"lr": 0.2}]})
    clone = post(api(owner), f"experiments/{made.json()['id']}/clone/", {"name": "again"}).json()
    ids = (made.json()["id"], clone["id"])
    first, second = (list(Run.objects.filter(experiment=pk).values_list("params", "repeat")) for pk in ids)
    assert first == second
    assert len(first) == 6


def test_a_preview_creates_nothing(api: Api, owner: User, project: Project, typed_bundle: Bundle) -> None:
    content = {"bundle": str(typed_bundle.id), "search": {**RANDOM, "repeat": 2}}
    found = post(api(owner), "projects/vision/experiments/preview/", content).json()
    assert (found["sets"], found["runs"], found["seconds"]) == (4, 8, None)
    assert len(found["first"]) == 4
    assert not Experiment.objects.exists()
    too_much = post(api(owner), "projects/vision/experiments/preview/", {**content, "workers": 60})
    assert (too_much.status_code, too_much.json()["field"]) == (400, "cpus_per_worker")


def test_fork_and_continue(api: Api, owner: User, experiment: Experiment) -> None:
    client = api(owner)
    run = experiment.runs.get(number=1)
    assert post(client, f"runs/{run.id}/fork/").status_code == 409
    checkpoint = Checkpoint.objects.create(run=run, attempt=1, step=3, path="/c/3", metrics={"accuracy": 0.5})
    (listed,) = client.get(f"/api/v1/runs/{run.id}/checkpoints/").json()
    assert (listed["id"], listed["step"]) == (checkpoint.id, 3)
    over = post(client, f"runs/{run.id}/fork/", {"params": {"lr": 0.7}})
    assert (over.status_code, over.json()["field"]) == (400, "checkpoint")
    assert "set epochs above 3" in over.json()["detail"]
    changed = {"checkpoint": checkpoint.id, "params": {"lr": 0.7, "epochs": 4}}
    fork = post(client, f"runs/{run.id}/fork/", changed)
    assert fork.status_code == 201
    assert (fork.json()["parent"], fork.json()["params"]["lr"]) == (str(run.id), 0.7)
    Run.objects.filter(pk=run.pk).update(state="completed")
    longer = post(client, f"runs/{run.id}/continue/", {"more": 2})
    assert (longer.status_code, longer.json()["params"]["epochs"]) == (201, 5)


def test_several_forks_are_made_together_or_not_at_all(
    api: Api, owner: User, experiment: Experiment, finish: Finish
) -> None:
    client, run = api(owner), finish(1)
    path = f"runs/{run.id}/fork/"
    for bad in ({"speed": 1}, {"epochs": 1}):
        refused = post(client, path, {"runs": [{"lr": 1, "epochs": 9}, bad]})
        assert refused.status_code == 400
        assert not Run.objects.filter(parent=run).exists()
    longer = {"epochs": 9}
    bodies: list[Any] = [{"runs": []}, {"runs": [longer] * 101}, {"runs": [longer], "params": {}}]
    for content in bodies:
        assert post(client, path, content).status_code == 400
    made = post(client, path, {"runs": [{"lr": lr, "epochs": 9} for lr in (1, 2, 3)]})
    assert (made.status_code, [fork["params"]["lr"] for fork in made.json()]) == (201, [1, 2, 3])
    assert {fork["parent"] for fork in made.json()} == {str(run.id)}
    assert post(client, path, {"params": {"epochs": 9}}).json()["parent"] == str(run.id)


EXPERIMENT_PATHS = ("pause/", "resume/", "cancel/", "clone/", "runs/cancel/", "runs/retry/")
RUN_PATHS = ("cancel/", "retry/", "fork/", "continue/")


@pytest.mark.parametrize("path", EXPERIMENT_PATHS)
def test_strangers_find_no_experiment_and_viewers_may_not(
    api: Api, stranger: User, viewer: User, experiment: Experiment, path: str
) -> None:
    for user, status in ((stranger, 404), (viewer, 403)):
        assert post(api(user), f"experiments/{experiment.id}/{path}", {"numbers": [1]}).status_code == status
    for user, status in ((stranger, 404), (viewer, 403)):
        answer = api(user).patch(f"/api/v1/experiments/{experiment.id}/", {"name": "x"}, format="json")
        assert answer.status_code == status


@pytest.mark.parametrize("path", RUN_PATHS)
def test_strangers_find_no_run_and_viewers_may_not(
    api: Api, stranger: User, viewer: User, experiment: Experiment, path: str
) -> None:
    run = experiment.runs.get(number=1)
    Run.objects.filter(pk=run.pk).update(state="completed")
    for user, status in ((stranger, 404), (viewer, 403)):
        assert post(api(user), f"runs/{run.id}/{path}", {"more": 1}).status_code == status
    assert api(stranger).get(f"/api/v1/runs/{run.id}/checkpoints/").status_code == 404
