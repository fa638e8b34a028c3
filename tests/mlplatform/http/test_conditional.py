from django.test import Client

from accounts.models import Project, User


def test_an_answer_that_one_has_is_not_sent_again(client: Client, owner: User, project: Project) -> None:
    client.force_login(owner)
    first = client.get("/api/v1/projects/")
    again = client.get("/api/v1/projects/", headers={"If-None-Match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    project.name = "Speech"
    project.save()
    changed = client.get("/api/v1/projects/", headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_pages_have_none(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert "ETag" not in client.get("/projects/")
