from accounts.models import Project, User
from experiments.models import ModelVersion, Run
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser


def test_empty_home_has_one_next_step(browser: Browser, stranger: User, project: Project) -> None:
    page = browser(stranger).get("/").content.decode()
    assert "Create a project" in page
    assert project.name not in page


def test_home_shows_my_projects(browser: Browser, owner: User, project: Project, place: str) -> None:
    page = browser(owner).get("/").content.decode()
    assert "/p/vision/" in page
    assert "1 experiment<" in page
    assert "1 active" in page


def test_empty_project(browser: Browser, owner: User, viewer: User) -> None:
    client = browser(owner)
    page = client.get("/p/vision/").content.decode()
    assert 'action="/p/vision/new/"' in page
    # Two clicks: the example, and Launch.
    assert '<input type="hidden" name="example" value="digits">' in page
    form = client.post("/p/vision/new/", {"example": "digits"}, follow=True).content.decode()
    assert "Launch" in form
    page = browser(viewer).get("/p/vision/").content.decode()
    assert "/p/vision/new/" not in page
    assert "As a viewer" in page


def test_project_shows_progress_best_models_members(
    browser: Browser, viewer: User, finish: Finish, project: Project
) -> None:
    run = finish(1, accuracy=(0.5, 0.9))
    finish(2, "failed", accuracy=(0.4,))
    ModelVersion.objects.create(
        project=project, run=run, name="vision.sweep", version=1, uri="mlflow-artifacts:/1", objective=0.8
    )
    page = browser(viewer).get("/p/vision/").content.decode()
    assert "2 of 2" in page
    assert "1 failed" in page
    assert "0.9 <span" in page
    assert "/p/vision/models/vision.sweep/1/" in page
    assert "accuracy 0.8 · run #1" in page
    assert "victor" in page


def test_fragment_has_no_frame(browser: Browser, owner: User, place: str) -> None:
    response = browser(owner).get("/p/vision/", headers={"HX-Request": "true"})
    page = response.content.decode().strip()
    assert page.startswith('<div id="project"')
    assert "HX-Request" in response["Vary"]


def test_query_count_does_not_grow_with_experiments(
    browser: Browser, owner: User, finish: Finish, django_assert_max_num_queries: object
) -> None:
    finish(1)
    experiment = Run.objects.get(number=1).experiment
    for number in range(5):
        experiment.pk, experiment.slug = None, f"copy-{number}"
        experiment._state.adding = True
        experiment.save()
    client = browser(owner)
    with django_assert_max_num_queries(9):  # type: ignore[operator]  # a fixture
        client.get("/p/vision/")
