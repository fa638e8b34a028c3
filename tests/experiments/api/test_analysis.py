from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from experiments.models import Experiment
from tests.experiments.conftest import Finish

Api = Callable[..., APIClient]
PARTS = ("columns", "importance", "timeline")


@pytest.mark.parametrize("part", PARTS)
def test_members_see_it_and_strangers_do_not(
    *, api: Api, experiment: Experiment, viewer: User, stranger: User, part: str
) -> None:
    path = f"/api/v1/experiments/{experiment.pk}/{part}/"
    assert api(viewer).get(path).status_code == 200
    assert api(stranger).get(path).status_code == 404
    assert api().get(path).status_code == 401


def test_what_they_say(api: Api, experiment: Experiment, finish: Finish, owner: User) -> None:
    finish(1)
    client, base = api(owner), f"/api/v1/experiments/{experiment.pk}"
    assert client.get(f"{base}/columns/").json()["runs"]["objective"] == [0.9, None]
    assert client.get(f"{base}/timeline/").json()["runs"][0]["number"] == 1
    body = client.get(f"{base}/importance/").json()
    assert (body["evaluator"], body["importances"], body["sets"]) == (None, [], 1)
    assert "there is 1 so far" in body["reason"]


def test_an_experiment_without_an_objective(api: Api, experiment: Experiment, owner: User) -> None:
    Experiment.objects.filter(pk=experiment.pk).update(objective_metric="")
    body = api(owner).get(f"/api/v1/experiments/{experiment.pk}/columns/").json()
    assert body["objective"]["metric"] == ""
    assert body["runs"]["objective"] == [None, None]


@pytest.mark.parametrize(("part", "queries"), [("columns", 5), ("timeline", 9)])
def test_queries(
    *,
    api: Api,
    experiment: Experiment,
    owner: User,
    part: str,
    queries: int,
    django_assert_max_num_queries: Any,
) -> None:
    client = api(owner)
    with django_assert_max_num_queries(queries):
        client.get(f"/api/v1/experiments/{experiment.pk}/{part}/")
