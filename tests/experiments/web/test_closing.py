import pytest
from django.test import Client

from accounts.models import Project, ProjectDeletion, User
from experiments.models import Bundle, Experiment
from experiments.services.control import experiment_cancel
from tests.experiments.conftest import Finish, Wait, purge_all
from tests.fakes.tracking_store import FakeTrackingStore


@pytest.fixture
def as_owner(client: Client, owner: User, project: Project) -> Client:
    client.force_login(owner)
    return client


def test_a_project_is_archived_and_opened_again(as_owner: Client, project: Project, bundle: Bundle) -> None:
    page = as_owner.post("/p/vision/archive/", follow=True).content.decode()
    assert "Vision is archived." in page
    assert "Everything stays readable, and nothing is started or changed." in page
    assert as_owner.get("/p/vision/").status_code == 200
    refused = as_owner.get(f"/p/vision/new/{bundle.pk}/")
    assert refused.status_code == 409
    assert "Its owners can unarchive it on its settings page." in refused.content.decode()
    page = as_owner.post("/p/vision/archive/", follow=True).content.decode()
    assert "Vision is archived already." in page
    page = as_owner.post("/p/vision/unarchive/", follow=True).content.decode()
    assert "Vision is in use again." in page
    assert "Vision is not archived." in as_owner.post("/p/vision/unarchive/", follow=True).content.decode()


def test_one_in_which_something_goes_on_names_it(as_owner: Client, experiment: Experiment) -> None:
    page = as_owner.post("/p/vision/archive/", follow=True).content.decode()
    assert "Vision has experiments that are not over: sweep." in page


def test_lists_leave_archived_projects_out(as_owner: Client, project: Project) -> None:
    assert "Archived" not in as_owner.get("/projects/").content.decode()
    as_owner.post("/p/vision/archive/")
    page = as_owner.get("/projects/").content.decode()
    assert "/p/vision/" not in page
    assert "?state=archived" in page
    assert "/p/vision/" in as_owner.get("/projects/?state=archived").content.decode()
    as_owner.post("/p/vision/unarchive/")
    assert "Nothing is archived" in as_owner.get("/projects/?state=archived").content.decode()


def test_the_page_says_what_goes(
    as_owner: Client, finish: Finish, experiment: Experiment, tracker: FakeTrackingStore
) -> None:
    finish(1, models_at=(2,))
    page = as_owner.get("/p/vision/delete/").content.decode()
    assert "Experiments that are not over are canceled first" in page
    assert "sweep" in page
    assert "It is <code>vision</code>." in page
    assert "about" in page


def test_a_wrong_word_deletes_nothing(as_owner: Client, project: Project) -> None:
    response = as_owner.post("/p/vision/delete/", {"confirmation": "visoin"})
    assert response.status_code == 400
    assert "Type vision to delete the project" in response.content.decode()
    assert not ProjectDeletion.objects.exists()


@pytest.mark.usefixtures("tracker")
def test_a_project_is_deleted_and_the_freed_bytes_are_shown(
    as_owner: Client, owner: User, experiment: Experiment, stranger: User, wait: Wait
) -> None:
    experiment_cancel(user=owner, experiment=experiment)
    where = as_owner.post("/p/vision/delete/", {"confirmation": "vision"})["Location"]
    page = as_owner.get(where).content.decode()
    assert "The project is being deleted" in page
    assert "every 3s" in page
    for path in ("/p/vision/", "/p/vision/members/", "/p/vision/delete/", f"/p/vision/e/{experiment.slug}/"):
        assert as_owner.get(path).status_code == 404
    assert "Vision" not in as_owner.get("/projects/").content.decode()
    purge_all(wait)
    page = as_owner.get(where).content.decode()
    assert "The project is deleted" in page
    assert "every 3s" not in page
    assert "bytes freed" in page
    other = Client()
    other.force_login(stranger)
    assert other.get(where).status_code == 404


@pytest.mark.parametrize(
    "call", [("post", "archive/"), ("post", "unarchive/"), ("get", "delete/"), ("post", "delete/")]
)
def test_only_owners(
    client: Client, project: Project, viewer: User, stranger: User, call: tuple[str, str]
) -> None:
    method, path = call
    for user, status in ((viewer, 403), (stranger, 404)):
        client.force_login(user)
        answer = getattr(client, method)(f"/p/vision/{path}", {"confirmation": "vision"})
        assert answer.status_code == status
    project.refresh_from_db()
    assert project.archived_at is None
    assert project.deleting_at is None
