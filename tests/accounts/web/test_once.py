"""Forms that are sent twice from one page."""

import re

from django.test import Client

from accounts.models import AnsweredRequest, Project, User

PATH = "/projects/new/"


def nonce(client: Client, path: str = PATH) -> str:
    page = client.get(path).content.decode()
    found = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    assert found
    return found[1]


def test_a_double_click_makes_one_thing_and_leads_to_it(client: Client, owner: User) -> None:
    client.force_login(owner)
    given = {"csrfmiddlewaretoken": nonce(client), "name": "Vision", "description": ""}
    answers = [client.post(PATH, given) for _ in range(2)]
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, "/p/vision/")] * 2
    assert Project.objects.count() == 1


def test_other_values_and_other_pages_are_other_requests(client: Client, owner: User) -> None:
    client.force_login(owner)
    first, second = nonce(client), nonce(client)
    for page, name in ((first, "Vision"), (first, "Speech"), (second, "Vision")):
        assert client.post(PATH, {"csrfmiddlewaretoken": page, "name": name}).status_code == 302
    assert sorted(Project.objects.values_list("slug", flat=True)) == ["speech", "vision", "vision-2"]


def test_a_form_with_errors_is_not_kept(client: Client, owner: User) -> None:
    client.force_login(owner)
    given = {"csrfmiddlewaretoken": nonce(client), "name": ""}
    assert [client.post(PATH, given).status_code for _ in range(2)] == [400, 400]
    assert not AnsweredRequest.objects.exists()
