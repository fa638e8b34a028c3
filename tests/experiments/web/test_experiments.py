import re

from accounts.models import User
from experiments.models import Experiment, ModelVersion, Run, RunMetric, TrackingSync
from experiments.services.tracking_sync import sync_due
from mlplatform.kernel import clock
from tests.experiments.conftest import Finish, complete
from tests.experiments.web.conftest import Browser
from tests.fakes.tracking_store import FakeTrackingStore
from tests.points import summary


def order(page: str) -> list[str]:
    return re.findall(r'r/(\d+)/"><span class="run-dot', page.partition("<tbody>")[2])


def test_page_shows_counts_best_and_rows(browser: Browser, viewer: User, finish: Finish, place: str) -> None:
    finish(1, accuracy=(0.95, 0.9))
    page = browser(viewer).get(place).content.decode()
    assert "1 queued, 1 completed" in page
    assert "Best accuracy" in page
    assert "0.95" in page
    assert "Run #1" in page
    assert "run-color-1" in page
    assert "Add runs" not in page
    assert 'data-live="experiment/' in page


def test_objective_that_is_better_low(
    browser: Browser, owner: User, finish: Finish, experiment: Experiment, place: str
) -> None:
    finish(1)
    finish(2)
    Experiment.objects.filter(pk=experiment.pk).update(objective_direction="minimize")
    RunMetric.objects.filter(run__number=1).update(min=0.3, field="min")
    RunMetric.objects.filter(run__number=2).update(min=0.2, min_step=7, field="min")
    page = browser(owner).get(place).content.decode()
    assert "Run #2</a> at step 7" in page
    assert "?sort=metrics.accuracy" in page


def test_sorting_by_links(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    finish(1, accuracy=(0.5,))
    finish(2, accuracy=(0.9,))
    client = browser(owner)
    page = client.get(f"{place}?sort=-metrics.accuracy").content.decode()
    assert order(page) == ["2", "1"]
    assert 'aria-sort="descending"' in page
    assert 'hx-get="?sort=metrics.accuracy"' in page
    assert order(client.get(f"{place}?sort=metrics.accuracy").content.decode()) == ["1", "2"]
    assert order(client.get(f"{place}?sort=-params.lr").content.decode()) == ["2", "1"]
    assert client.get(f"{place}?sort=nonsense").status_code == 400


def test_what_decides_stands_before_the_parameters(
    browser: Browser, owner: User, finish: Finish, place: str
) -> None:
    run = finish(1)
    summary(run, "a_loss", last=0.1)
    for query in ("", "?group=set"):
        heads = re.findall(r'id="sort-\d+"[^>]*>([^<]+)<', browser(owner).get(place + query).content.decode())
        assert heads[-4:] == ["accuracy (best)", "lr", "a_loss", "Run time"]


def test_an_experiment_whose_runs_all_failed_is_not_shown_green(
    browser: Browser, owner: User, finish: Finish, place: str
) -> None:
    finish(1, state="failed")
    client, grey = browser(owner), "meter-failed meter-wide"
    assert grey not in client.get(place).content.decode()
    finish(2, state="failed")
    assert grey in client.get(place).content.decode()
    assert "meter meter-failed" in client.get("/p/vision/").content.decode()


def test_the_best_run_is_the_first_row_and_the_registered_one(
    *,
    tracker: FakeTrackingStore,
    browser: Browser,
    owner: User,
    finish: Finish,
    experiment: Experiment,
    place: str,
) -> None:
    peaked = finish(1, accuracy=(0.989, 0.983), models_at=(1, 2))
    finish(2, accuracy=(0.986, 0.986), models_at=(1, 2))
    sync_due()
    complete(experiment)
    sync_due()
    page = browser(owner).get(f"{place}?sort=-metrics.accuracy").content.decode()
    assert order(page) == ["1", "2"]
    assert f'<tr id="run-{peaked.pk}" class="row-best">' in page
    assert ModelVersion.objects.get().run_id == peaked.pk
    # The table shows what it sorts by, and the model is the one that has it.
    assert '<td class="text-end number objective">0.989</td>' in page
    assert ">0.983<" not in page
    assert next(record.step for record in tracker.model_records if record.run_id == str(peaked.pk)) == 1


def test_a_model_that_is_not_the_best_runs_says_whose_it_is(
    browser: Browser, owner: User, finish: Finish, experiment: Experiment, place: str
) -> None:
    finish(1, accuracy=(0.9, 0.9))
    second = finish(2, accuracy=(0.1, 0.2))
    ModelVersion.objects.create(
        project=experiment.project, run=second, name="vision.sweep", version=3, uri="m"
    )
    page = browser(owner).get(place).content.decode()
    assert "model v3</a> of run #2" in page


def test_every_metric_can_be_shown_and_sorted_by(
    browser: Browser, owner: User, finish: Finish, experiment: Experiment, place: str
) -> None:
    run = finish(1)
    for n in range(11):
        summary(run, f"m{n:02}", last=n)
    client = browser(owner)
    page = client.get(place).content.decode()
    for name in ("accuracy", *(f"m{n:02}" for n in range(11))):
        assert f'value="metrics.{name}"' in page
    assert "?sort=-metrics.m06" in page
    assert "?sort=-metrics.m10" not in page
    page = client.get(f"{place}?sort=-metrics.m10").content.decode()
    assert re.search(r'aria-sort="descending">\s*<a [^>]*>m10', page)
    page = client.get(f"{place}?column=metrics.m10&column=state").content.decode()
    assert "sort=-metrics.m10&amp;column=metrics.m10&amp;column=state" in page
    assert "sort=-metrics.m09" not in page


def test_trouble_with_mlflow_is_said(
    tracker: FakeTrackingStore, browser: Browser, owner: User, finish: Finish, place: str
) -> None:
    finish(1)
    finish(2)
    client = browser(owner)
    assert "MLflow" not in client.get(place).content.decode()
    tracker.down = True
    sync_due()
    page = client.get(place).content.decode()
    assert "2 runs are not in MLflow yet: " in page
    assert "the tracker does not answer" in page
    assert "Next try" in page
    tracker.down = False
    TrackingSync.objects.update(next_try_at=clock.now())
    sync_due()
    assert "not in MLflow yet" not in client.get(place).content.decode()


def test_parameters_that_never_differ_are_said_once(browser: Browser, owner: User, place: str) -> None:
    page = browser(owner).get(place).content.decode()
    assert "sort=params.lr" in page
    assert "sort=params.epochs" not in page
    assert "epochs <b>3</b>" in page


def test_fragment_brings_the_buttons_along(browser: Browser, owner: User, place: str) -> None:
    page = browser(owner).get(place, headers={"HX-Request": "true"}).content.decode().strip()
    assert page.startswith('<div id="overview"')
    assert 'id="experiment-actions" class="btn-list" hx-swap-oob="outerMorph"' in page


def test_cancel(browser: Browser, owner: User, experiment: Experiment, place: str) -> None:
    client = browser(owner)
    assert "is canceled" in client.post(f"{place}cancel/", follow=True).content.decode()
    assert set(Run.objects.values_list("state", flat=True)) == {"canceled"}
    assert (
        "The experiment is canceled already." in client.post(f"{place}cancel/", follow=True).content.decode()
    )


def test_query_count_does_not_grow_with_runs(
    *,
    browser: Browser,
    owner: User,
    finish: Finish,
    experiment: Experiment,
    place: str,
    django_assert_max_num_queries: object,
) -> None:
    finish(1)
    finish(2)
    Run.objects.bulk_create(
        Run(experiment=experiment, number=n, seed=n, set_number=n, params={"lr": n}) for n in range(10, 60)
    )
    client = browser(owner)
    with django_assert_max_num_queries(22):  # type: ignore[operator]  # a fixture
        client.get(place)
