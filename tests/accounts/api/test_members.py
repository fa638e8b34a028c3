from collections.abc import Callable

from rest_framework.test import APIClient

from accounts.models import Invitation, Membership, Project, User
from accounts.permissions import role_in

Api = Callable[..., APIClient]
HERE = "/api/v1/projects/vision"


def test_members_are_listed_added_changed_and_removed(
    api: Api, owner: User, project: Project, stranger: User
) -> None:
    client = api(owner)
    added = client.post(f"{HERE}/members/", {"name": "stranger@example.org", "role": "editor"}, format="json")
    assert (added.status_code, added.json()["role"]) == (201, "editor")
    assert [row["username"] for row in client.get(f"{HERE}/members/").json()] == ["olivia", "stranger"]
    changed = client.patch(f"{HERE}/members/stranger/", {"role": "viewer"}, format="json")
    assert (changed.status_code, changed.json()["role"]) == (200, "viewer")
    assert client.delete(f"{HERE}/members/stranger/").status_code == 204
    assert client.delete(f"{HERE}/members/stranger/").status_code == 404
    assert role_in(stranger, project) is None


def test_what_cannot_be_is_a_problem_with_a_remedy(
    api: Api, owner: User, project: Project, viewer: User
) -> None:
    client = api(owner)
    unknown = client.post(f"{HERE}/members/", {"name": "nobody"}, format="json")
    assert (unknown.status_code, unknown.json()["field"]) == (400, "name")
    again = client.post(f"{HERE}/members/", {"name": "victor"}, format="json")
    assert again.status_code == 409
    last = client.delete(f"{HERE}/members/olivia/")
    assert last.status_code == 409
    assert "Make somebody else owner first" in last.json()["detail"]
    assert client.patch(f"{HERE}/members/victor/", {"role": "king"}, format="json").status_code == 400


def test_a_member_sees_and_leaves(api: Api, project: Project, viewer: User) -> None:
    client = api(viewer)
    assert len(client.get(f"{HERE}/members/").json()) == 2
    assert client.post(f"{HERE}/members/", {"name": "stranger"}, format="json").status_code == 403
    assert client.delete(f"{HERE}/members/olivia/").status_code == 403
    assert client.get(f"{HERE}/invitations/").status_code == 403
    assert client.post(f"{HERE}/transfer/", {"username": "victor"}, format="json").status_code == 403
    assert client.delete(f"{HERE}/members/victor/").status_code == 204
    assert client.get(f"{HERE}/members/").status_code == 404


def test_strangers_get_404(api: Api, project: Project, stranger: User) -> None:
    client = api(stranger)
    assert client.get(f"{HERE}/members/").status_code == 404
    assert client.post(f"{HERE}/members/", {"name": "stranger"}, format="json").status_code == 404
    assert client.patch(f"{HERE}/members/olivia/", {"role": "viewer"}, format="json").status_code == 404
    assert client.delete(f"{HERE}/members/olivia/").status_code == 404
    assert client.post(f"{HERE}/transfer/", {"username": "x"}, format="json").status_code == 404
    assert client.post(f"{HERE}/invitations/", {}, format="json").status_code == 404
    assert client.delete(f"{HERE}/invitations/1/").status_code == 404
    assert Membership.objects.count() == 1


def test_a_project_is_handed_over(api: Api, owner: User, project: Project, viewer: User) -> None:
    answer = api(owner).post(f"{HERE}/transfer/", {"username": "victor"}, format="json")
    assert (answer.status_code, answer.json()["role"]) == (200, "owner")
    assert role_in(owner, project) == "editor"


def test_settings_change_over_rest_too(api: Api, owner: User, viewer: User, project: Project) -> None:
    changed = api(owner).patch(f"{HERE}/", {"description": "Screws"}, format="json")
    assert (changed.json()["name"], changed.json()["description"]) == ("Vision", "Screws")
    assert api(viewer).patch(f"{HERE}/", {"name": "X"}, format="json").status_code == 403


def test_an_invitation_is_made_listed_accepted_and_revoked(
    api: Api, owner: User, project: Project, stranger: User
) -> None:
    client = api(owner)
    made = client.post(f"{HERE}/invitations/", {"role": "editor", "max_uses": 2}, format="json")
    assert made.status_code == 201
    link = made.json()["link"]
    [listed] = client.get(f"{HERE}/invitations/").json()
    assert listed["project"] == "vision"
    assert link not in str(listed)
    token = link.rstrip("/").rpartition("/")[2]
    accepted = api(stranger).post("/api/v1/invitations/accept/", {"token": token}, format="json")
    assert accepted.json() == {"project": "vision"}
    assert role_in(stranger, project) == "editor"
    assert client.delete(f"{HERE}/invitations/{listed['id']}/").status_code == 204
    assert api(owner).post("/api/v1/invitations/accept/", {"token": token}, format="json").status_code == 404


def test_the_secret_is_kept_nowhere_even_with_a_key(api: Api, owner: User, project: Project) -> None:
    answers = [
        api(owner).post(f"{HERE}/invitations/", {}, format="json", HTTP_IDEMPOTENCY_KEY="1").json()
        for _ in range(2)
    ]
    assert answers[0]["link"] != answers[1]["link"]


def test_the_portal_alone_is_for_administrators(api: Api, owner: User) -> None:
    path = "/api/v1/invitations/"
    assert api(owner).get(path).status_code == 403
    assert api(owner).post(path, {}, format="json").status_code == 403
    admin = User.objects.create_superuser("ada", "ada@example.org", "correct horse battery")
    client = api(admin)
    made = client.post(path, {"email": "new@example.org"}, format="json").json()
    assert (made["project"], made["sent"]) == (None, True)
    assert [row["id"] for row in client.get(path).json()] == [made["id"]]
    assert api(owner).delete(f"{path}{made['id']}/").status_code == 403
    assert client.delete(f"{path}{made['id']}/").status_code == 204
    assert Invitation.objects.get().revoked_at is not None
