from datetime import timedelta
from uuid import uuid4

from accounts.models import Membership, Project, Role, User
from accounts.services.projects import project_create
from accounts.services.quotas import quota_set
from experiments.models import Experiment, ModelVersion, Run
from experiments.services.control import experiment_pause
from experiments.services.lifecycle import experiment_move
from experiments.states import ExperimentState
from mlplatform.kernel import clock
from runners.models import Allocation
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser


def test_newcomers_have_one_next_step(browser: Browser, stranger: User, project: Project) -> None:
    page = browser(stranger).get("/").content.decode()
    assert "Run the example" in page
    assert "Create a project" in page
    assert project.name not in page


def test_the_example_in_two_clicks(browser: Browser, stranger: User) -> None:
    client = browser(stranger)
    answer = client.post("/start/", {"example": "digits"})
    project = Project.objects.get(created_by=stranger)
    assert answer["Location"].startswith(f"/p/{project.slug}/new/")
    form = client.get(answer["Location"]).content.decode()
    assert "Launch" in form
    assert client.get("/start/").status_code == 405


def test_members_of_an_empty_project_begin_in_it(browser: Browser, owner: User, viewer: User) -> None:
    assert 'action="/p/vision/new/"' in browser(owner).get("/").content.decode()
    page = browser(viewer).get("/").content.decode()
    assert "/p/vision/new/" not in page
    assert "As a viewer" in page


def test_what_is_open(browser: Browser, viewer: User, experiment: Experiment, allocation: Allocation) -> None:
    Run.objects.filter(number=1).update(waiting_reason="Needs 4 CPUs; 1 of 8 are free.")
    for place, owner_id in enumerate((uuid4(), experiment.pk), 1):
        Allocation.objects.create(
            place=place,
            owner_id=owner_id,
            backend="local",
            workers=1,
            cpus_per_worker=1,
            gpus_per_worker=0,
            package_key="x",
        )
    page = browser(viewer).get("/").content.decode()
    assert "0 of 2" in page
    assert "2 queued" in page
    assert "by olivia" in page
    assert "Number 2 in line" in page
    assert "Needs 4 CPUs; 1 of 8 are free." in page
    assert f'data-live="experiment/{experiment.pk} project/{experiment.project_id}"' in page
    assert "<b>1</b> of" in page


def test_time_left_counts_what_is_to_come(
    browser: Browser, owner: User, finish: Finish, experiment: Experiment
) -> None:
    finish(1)
    Run.objects.filter(number=1).update(attempted=timedelta(minutes=10))
    begun = {"attempt_started_at": clock.now(), "progress": 0.5, "state": "running"}
    Run.objects.filter(number=2).update(**begun)
    assert "5 min 00 s left" in browser(owner).get("/").content.decode()
    Experiment.objects.update(search={"method": "random", "runs": 5})
    assert "35 min 00 s left" in browser(owner).get("/").content.decode()
    experiment_pause(user=owner, experiment=experiment)
    page = browser(owner).get("/").content.decode()
    assert "left<" not in page
    assert "Paused" in page


def test_mine_come_first(browser: Browser, viewer: User, experiment: Experiment) -> None:
    theirs = Experiment.objects.get()
    mine = Experiment.objects.get()
    mine.pk, mine.slug, mine.name, mine.created_by = None, "mine", "mine", viewer
    mine.save()
    Experiment.objects.filter(pk=theirs.pk).update(created_at=clock.now() + timedelta(minutes=1))
    page = browser(viewer).get("/").content.decode()
    assert page.index("/e/mine/") < page.index("/e/sweep/")


def test_what_ended_and_what_failed(
    browser: Browser, owner: User, project: Project, experiment: Experiment, finish: Finish
) -> None:
    run = finish(1, accuracy=(0.5, 0.9))
    finish(2, "failed", accuracy=(0.4,))
    Run.objects.filter(number=2).update(cause_code="out_of_memory")
    experiment.refresh_from_db()
    assert experiment_move(experiment, ExperimentState.COMPLETED, "completed")
    ModelVersion.objects.create(
        project=project, run=run, name="vision.sweep", version=1, uri="mlflow-artifacts:/1", objective=0.8
    )
    page = browser(owner).get("/").content.decode()
    assert "Nothing runs or waits" in page
    assert "1 completed, 1 failed" in page
    assert "/p/vision/e/sweep/r/1/" in page
    assert "<b>0.9</b>" in page
    assert "It ran out of memory" in page
    assert "Try a smaller batch" in page
    assert "accuracy 0.8 · run #1" in page
    Experiment.objects.update(ended_at=clock.now() - timedelta(days=8))
    assert "Needs attention" not in browser(owner).get("/").content.decode()


def test_nothing_of_others(browser: Browser, stranger: User, experiment: Experiment, finish: Finish) -> None:
    finish(1, "failed")
    page = browser(stranger).get("/").content.decode()
    assert "sweep" not in page
    assert 'data-live=""' in page


def test_fragment_and_query_count(
    browser: Browser, owner: User, experiment: Experiment, finish: Finish, django_assert_num_queries: object
) -> None:
    finish(1)
    finish(2, "failed")
    client = browser(owner)
    page = client.get("/", headers={"HX-Request": "true"}).content.decode().strip()
    assert page.startswith('<div id="dashboard"')
    with django_assert_num_queries(14):  # type: ignore[operator]  # a fixture
        client.get("/")
    for number in range(5):
        more = Experiment.objects.order_by("created_at")[0]
        more.pk, more.slug = None, f"more-{number}"
        more.state = ExperimentState.COMPLETED if number % 2 else ExperimentState.ACTIVE
        more.ended_at = clock.now() if number % 2 else None
        more.save()
    with django_assert_num_queries(14):  # type: ignore[operator]  # a fixture
        client.get("/")


def test_a_role_that_is_taken_away_takes_its_part(
    browser: Browser, viewer: User, experiment: Experiment
) -> None:
    Membership.objects.filter(user=viewer, role=Role.VIEWER).delete()
    assert "sweep" not in browser(viewer).get("/").content.decode()


def test_quota_use_is_mine_and_that_of_my_projects(
    browser: Browser, viewer: User, stranger: User, experiment: Experiment, project: Project
) -> None:
    page = browser(viewer).get("/").content.decode()
    assert "Quota use" not in page
    root = User.objects.create_superuser("root", "root@example.org")
    quota_set(actor=root, scope="user", resource="gpus", hard=4)
    quota_set(actor=root, scope="user", user=stranger, resource="memory", hard=4)
    quota_set(actor=root, scope="project", resource="queued_runs", soft=2, hard=5)
    page = browser(viewer).get("/").content.decode()
    part = page[page.index("Quota use") : page.index("In use now")]
    assert part.index("2 of 5") < part.index("near the limit") < part.index("0 of 4")
    assert "project Vision" in part
    assert "Memory" not in part


def test_quota_use_costs_the_same_for_many_projects(
    browser: Browser, owner: User, experiment: Experiment, django_assert_num_queries: object
) -> None:
    root = User.objects.create_superuser("root", "root@example.org")
    for resource in ("cpus", "cpu_hours", "queued_runs"):
        quota_set(actor=root, scope="project", resource=resource, hard=5)
    for number in range(4):
        project_create(user=owner, name=f"P{number}")
    client = browser(owner)
    with django_assert_num_queries(18):  # type: ignore[operator]  # a fixture
        client.get("/")
