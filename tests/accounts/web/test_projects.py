import pytest
from django.test import Client

from accounts.models import Membership, Project, User


def test_anonymous_is_sent_to_sign_in_and_back(client: Client, db: None) -> None:
    response = client.get("/projects/new/")
    assert response.status_code == 302
    assert response["Location"] == "/accounts/login/?next=/projects/new/"


def test_owner_creates_a_project(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert client.get("/projects/new/").status_code == 200
    response = client.post("/projects/new/", {"name": "Sorting line", "description": "Screws"})
    project = Project.objects.get()
    assert response["Location"] == f"/p/{project.slug}/"
    assert Membership.objects.get(project=project).role == "owner"
    page = client.get(response["Location"]).content.decode()
    assert "The project Sorting line is ready." in page


@pytest.mark.parametrize(
    ("name", "message"), [("", "This field is required."), ("x" * 101, "at most 100 characters")]
)
def test_bad_name_is_said_at_the_field(client: Client, owner: User, name: str, message: str) -> None:
    client.force_login(owner)
    response = client.post("/projects/new/", {"name": name, "description": "kept"})
    page = response.content.decode()
    assert response.status_code == 400
    assert message in page
    assert 'aria-invalid="true"' in page
    assert "kept" in page
    assert not Project.objects.exists()


def test_name_of_spaces_is_refused(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert client.post("/projects/new/", {"name": "   "}).status_code == 400
