from datetime import timedelta

import pytest

from accounts.models import Membership, Project, Role, User
from accounts.services.projects import project_create
from accounts.services.quotas import quota_set
from experiments.definition import Definition
from experiments.models import Bundle, Checkpoint, Experiment, Run
from experiments.selectors import listings
from experiments.services.launch import experiment_create
from mlplatform.kernel import clock
from runners.models import Allocation
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser

AGAIN = Definition(name="again", entrypoint="train:train", objective_metric="accuracy")
PAGES = ["/p/vision/", "/p/vision/models/", "/p/vision/members/", "/p/vision/usage/"]


def copies(experiment: Experiment, *names: str, **fields: object) -> None:
    """More experiments like it, without runs."""
    for name in names:
        Experiment.objects.create(
            project=experiment.project,
            name=name,
            slug=name,
            bundle=experiment.bundle,
            entrypoint=experiment.entrypoint,
            backend=experiment.backend,
            created_by=experiment.created_by,
            **fields,
        )


def test_without_projects_there_is_one_next_step(browser: Browser, stranger: User, project: Project) -> None:
    page = browser(stranger).get("/projects/").content.decode()
    assert "Create a project" in page
    assert project.name not in page


def test_my_projects(browser: Browser, owner: User, project: Project, place: str) -> None:
    page = browser(owner).get("/projects/").content.decode()
    assert "/p/vision/" in page
    assert "1 experiment<" in page
    assert "1 active" in page
    assert 'name="q"' not in page


def test_projects_are_found_and_ordered(
    browser: Browser, owner: User, project: Project, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("Audio", "Zebra"):
        project_create(user=owner, name=name, description="Small things")
    client = browser(owner)
    assert "/p/audio/" not in client.get("/projects/?q=vis").content.decode()
    found = client.get("/projects/?q=small+zeb").content.decode()
    assert ("/p/zebra/" in found, "/p/audio/" in found) == (True, False)
    assert "No project matches" in client.get("/projects/?q=nothing").content.decode()
    page = client.get("/projects/?sort=active").content.decode()
    assert page.index("/p/vision/") < page.index("/p/audio/") < page.index("/p/zebra/")
    monkeypatch.setattr(listings, "PROJECTS", 2)
    assert "?page=2" in client.get("/projects/").content.decode()
    assert "/p/zebra/" in client.get("/projects/?page=2").content.decode()
    assert "/p/zebra/" in client.get("/projects/?page=99").content.decode()


def test_empty_project(browser: Browser, owner: User, viewer: User) -> None:
    client = browser(owner)
    page = client.get("/p/vision/").content.decode()
    assert 'action="/p/vision/new/"' in page
    assert "Run the example" in page
    # Two clicks: the example, and Launch.
    assert '<input type="hidden" name="example" value="digits">' in page
    form = client.post("/p/vision/new/", {"example": "digits"}, follow=True).content.decode()
    assert "Launch" in form
    page = browser(viewer).get("/p/vision/").content.decode()
    assert "/p/vision/new/" not in page
    assert "As a viewer" in page
    assert "Nothing was used yet" in browser(viewer).get("/p/vision/usage/").content.decode()


def test_experiments_with_progress_and_best_run(browser: Browser, viewer: User, finish: Finish) -> None:
    finish(1, accuracy=(0.5, 0.9))
    finish(2, "failed", accuracy=(0.4,))
    page = browser(viewer).get("/p/vision/").content.decode()
    assert "2 of 2" in page
    assert "1 failed" in page
    assert "<b>0.9</b>" in page
    assert "/p/vision/e/sweep/r/1/" in page


def test_experiments_are_found_and_paged(
    browser: Browser, owner: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    copies(experiment, "alpha", "beta", "gamma", state="completed")
    client = browser(owner)
    page = client.get("/p/vision/?q=alp").content.decode()
    assert ("/e/alpha/" in page, "/e/beta/" in page) == (True, False)
    page = client.get("/p/vision/?state=active").content.decode()
    assert ("/e/sweep/" in page, "/e/beta/" in page) == (True, False)
    assert "/e/beta/" in client.get("/p/vision/?state=nonsense&page=x&sort=y").content.decode()
    assert "No experiment matches" in client.get("/p/vision/?q=olivia+delta").content.decode()
    page = client.get("/p/vision/?sort=name").content.decode()
    assert page.index("/e/alpha/") < page.index("/e/gamma/") < page.index("/e/sweep/")
    monkeypatch.setattr(listings, "EXPERIMENTS", 2)
    page = client.get("/p/vision/?state=completed").content.decode()
    assert "1–2 of 3" in page
    assert "?state=completed&amp;page=2" in page
    assert "/e/alpha/" in client.get("/p/vision/?state=completed&page=2").content.decode()


def test_fragment_has_no_frame(browser: Browser, owner: User, place: str) -> None:
    response = browser(owner).get("/p/vision/", headers={"HX-Request": "true"})
    page = response.content.decode().strip()
    assert page.startswith('<div id="project"')
    assert "HX-Request" in response["Vary"]


@pytest.mark.parametrize("path", [*PAGES, "/projects/"])
def test_query_count_does_not_grow(
    path: str, browser: Browser, experiment: Experiment, bundle: Bundle, django_assert_max_num_queries: object
) -> None:
    owner = experiment.created_by
    copies(experiment, *(f"more-{number}" for number in range(20)))
    for number in range(5):
        project_create(user=owner, name=f"Other {number}")
        experiment_create(
            user=owner, project=experiment.project, bundle=bundle, definition=AGAIN, param_sets=[{"lr": 1}]
        )
    client = browser(owner)
    most = 17 if path.endswith("/usage/") else 10
    with django_assert_max_num_queries(most):  # type: ignore[operator]  # a fixture
        client.get(path)


def test_members(browser: Browser, owner: User, viewer: User) -> None:
    page = browser(viewer).get("/p/vision/members/").content.decode()
    assert "olivia" in page
    assert "(you)" in page
    assert page.index("Owner<") < page.index("Viewer<")


def test_usage(browser: Browser, viewer: User, finish: Finish, experiment: Experiment) -> None:
    Experiment.objects.update(workers=2, cpus_per_worker=1.5)
    run = finish(1)
    Run.objects.filter(pk=run.pk).update(attempted=timedelta(hours=2))
    page = browser(viewer).get("/p/vision/usage/").content.decode()
    assert '<td class="text-end number">6.00</td>' in page
    assert "olivia" in page
    assert "/p/vision/e/sweep/" in page
    assert "1 bundle<" in page


def test_usage_shows_quotas_months_and_what_is_stored(
    browser: Browser, viewer: User, finish: Finish, experiment: Experiment, allocation: Allocation
) -> None:
    assert "Nothing is limited here" in browser(viewer).get("/p/vision/usage/").content.decode()
    root = User.objects.create_superuser("root", "root@example.org")
    run = finish(1)
    Checkpoint.objects.filter(run=run).update(size=3 * 2**30)
    held = {"project": experiment.project, "user": experiment.created_by, "cpus_per_worker": 3600}
    Allocation.objects.update(submitted_at=clock.now() - timedelta(seconds=10), **held)
    for resource, soft, hard in (
        ("cpu_hours", 5, 10**6), ("storage", None, 6), ("run_cpus", None, 8), ("queued_runs", None, None)
    ):  # fmt: skip
        quota_set(actor=root, scope="project", resource=resource, soft=soft, hard=hard)
    page = browser(viewer).get("/p/vision/usage/").content.decode()
    assert page.count("near the limit") == 1
    assert page.count("used up</span>") == 1
    assert "6 GiB of 6 GiB" in page
    assert "One run may take at most 8 CPUs." in page
    assert f"{clock.now():%B %Y}" in page
    assert "olivia 10." in page
    assert "/api/v1/projects/vision/usage.csv" in page


def test_settings_are_the_owners(browser: Browser, owner: User, viewer: User, project: Project) -> None:
    path = "/p/vision/settings/"
    assert path not in browser(viewer).get("/p/vision/").content.decode()
    assert browser(viewer).get(path).status_code == 403
    client = browser(owner)
    assert path in client.get("/p/vision/").content.decode()
    assert client.post(path, {"name": " ", "description": ""}).status_code == 400
    answer = client.post(path, {"name": "Seeing", "description": "Cameras"})
    assert answer["Location"] == path
    project.refresh_from_db()
    assert (project.name, project.description, project.slug) == ("Seeing", "Cameras", "vision")


@pytest.mark.parametrize("path", [*PAGES, "/p/vision/settings/"])
def test_strangers_find_nothing(path: str, browser: Browser, stranger: User, project: Project) -> None:
    assert browser(stranger).get(path).status_code == 404
    assert browser(None).get(path)["Location"].startswith("/accounts/login/")


def test_editors_may_launch_and_not_manage(browser: Browser, project: Project, viewer: User) -> None:
    Membership.objects.filter(user=viewer).update(role=Role.EDITOR)
    page = browser(viewer).get("/p/vision/").content.decode()
    assert "/p/vision/new/" in page
    assert "/p/vision/settings/" not in page
