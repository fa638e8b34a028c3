import pytest
from django.test import Client

from accounts.models import AuditEvent, Project, User
from accounts.services.people import person_rename
from mlplatform.kernel.errors import InvalidInput


def test_who_i_am(owner: User, project: Project) -> None:
    client = Client()
    client.force_login(owner)
    page = client.get("/profile/").content.decode()
    assert "Signed in as olivia" in page
    assert "/p/vision/" in page
    assert "/accounts/email/" in page
    assert "/tokens/" in page
    answer = client.post("/profile/", {"name": "Olivia Ortega"})
    assert answer["Location"] == "/profile/"
    assert 'value="Olivia Ortega"' in client.get("/profile/").content.decode()
    assert AuditEvent.objects.filter(verb="user.rename", actor=owner).count() == 1
    assert client.post("/profile/", {"name": "x" * 151}).status_code == 400


def test_a_name_of_two_parts_becomes_one(owner: User) -> None:
    owner.first_name, owner.last_name = "Olivia", "Ortega"
    owner.save()
    person_rename(user=owner, name="Olivia O.")
    owner.refresh_from_db()
    assert owner.get_full_name() == "Olivia O."
    with pytest.raises(InvalidInput):
        person_rename(user=owner, name="x" * 151)


def test_anonymous() -> None:
    assert Client().get("/profile/")["Location"].startswith("/accounts/login/")
