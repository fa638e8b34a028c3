import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from rest_framework.test import APIClient

from accounts.models import AnsweredRequest, Project, User
from accounts.services import once
from accounts.services.once import answers_forget
from accounts.services.projects import project_create
from accounts.services.tokens import token_create
from experiments.models import Bundle
from mlplatform.kernel import clock

Api = Callable[..., APIClient]
PATH = "/api/v1/projects/"


def post(client: APIClient, content: Any, key: str = "k1", path: str = PATH) -> Any:
    return client.post(path, content, format="json", headers={"Idempotency-Key": key})


def test_the_same_request_is_answered_once(api: Api, owner: User) -> None:
    client = api(owner)
    first = post(client, {"name": "Vision", "description": ""})
    again = post(client, {"description": "", "name": "Vision"})
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.content == again.content
    assert first["Content-Type"] == again["Content-Type"] == "application/json"
    assert ("Idempotency-Replayed" in first, again["Idempotency-Replayed"]) == (False, "true")
    assert Project.objects.count() == 1


def test_another_request_under_the_same_key_is_refused(api: Api, owner: User) -> None:
    client = api(owner)
    post(client, {"name": "Vision"})
    answer = post(client, {"name": "Speech"})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (
        409,
        "conflict",
        "Idempotency-Key",
    )
    assert "was sent with another request" in answer.json()["detail"]
    assert Project.objects.count() == 1


def test_keys_are_each_users_own(api: Api, owner: User, stranger: User) -> None:
    assert post(api(owner), {"name": "Vision"}).json()["slug"] == "vision"
    assert post(api(stranger), {"name": "Vision"}).json()["slug"] == "vision-2"


def test_without_a_key_every_request_counts(api: Api, owner: User) -> None:
    for _ in range(2):
        assert api(owner).post(PATH, {"name": "Vision"}, format="json").status_code == 201
    assert Project.objects.count() == 2
    assert not AnsweredRequest.objects.exists()


def test_an_error_is_not_kept(api: Api, owner: User) -> None:
    client = api(owner)
    assert post(client, {"name": ""}).status_code == 400
    assert not AnsweredRequest.objects.exists()
    assert post(client, {"name": "Vision"}).status_code == 201


@pytest.mark.parametrize("key", ["", "x" * 201])
def test_a_key_that_does_not_fit(api: Api, owner: User, key: str) -> None:
    answer = post(api(owner), {"name": "Vision"}, key)
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")


def test_answers_are_dropped_after_a_day(api: Api, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    post(api(owner), {"name": "Vision"})
    answers_forget()
    assert AnsweredRequest.objects.count() == 1
    later = clock.now() + once.KEPT_FOR + timedelta(minutes=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    answers_forget()
    assert not AnsweredRequest.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_at_the_same_moment(api: Api) -> None:
    user = User.objects.create_user("olivia")
    clients = [api(user) for _ in range(4)]
    start = threading.Barrier(len(clients))
    answers: list[bytes] = []

    def send(client: APIClient) -> None:
        start.wait()
        answers.append(post(client, {"name": "Vision"}).content)
        connection.close()

    threads = [threading.Thread(target=send, args=[client]) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(answers), len(set(answers))) == (4, 1)
    assert Project.objects.count() == 1


def test_what_one_token_made_the_token_of_another_project_is_not_told(
    api: Api, owner: User, project: Project, bundle: Bundle
) -> None:
    other = project_create(user=owner, name="Speech")
    path = f"/api/v1/projects/{project.slug}/experiments/"
    content = {"bundle": str(bundle.pk), "runs": [{"lr": 0.1}]}
    codes = []
    for where in (project, project, other):
        client = api()
        text = token_create(user=owner, name="ci", project=where)[1]
        client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")
        codes.append(post(client, content, path=path).status_code)
    assert codes == [201, 201, 409]
    assert project.experiments.count() == 1
