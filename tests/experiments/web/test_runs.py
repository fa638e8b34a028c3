import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from experiments.causes import Cause
from experiments.models import ModelVersion, Run
from experiments.services import lifecycle
from experiments.services.tracking_sync import sync_due
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser
from tests.fakes.tracking_store import FakeTrackingStore
from tests.points import report


def test_finished_run(browser: Browser, viewer: User, finish: Finish, place: str) -> None:
    run = finish(1, accuracy=(0.5, 0.9))
    ModelVersion.objects.create(
        project=run.experiment.project, run=run, name="vision.sweep", version=1, uri="mlflow-artifacts:/1"
    )
    page = browser(viewer).get(f"{place}r/1/").content.decode()
    assert "Completed" in page
    assert "objective" in page
    assert "0.9" in page
    assert "<dt>PyTorch</dt><dd>2.13.0</dd>" in page
    assert "/p/vision/models/vision.sweep/1/" in page
    assert f'href="{place}r/2/"' in page
    assert f'data-series-url="{place}series/?run=1"' in page
    assert f'<a href="{place}code/">train</a>' in page
    assert "Retry" not in page


def test_run_that_is_not_there(browser: Browser, owner: User, place: str) -> None:
    assert browser(owner).get(f"{place}r/99/").status_code == 404


def test_trouble_with_mlflow_is_said(
    tracker: FakeTrackingStore, browser: Browser, owner: User, finish: Finish, place: str
) -> None:
    finish(1)
    tracker.down = True
    sync_due()
    page = browser(owner).get(f"{place}r/1/").content.decode()
    assert "Not in MLflow yet: " in page
    assert "the tracker does not answer" in page
    assert "Not in MLflow yet" not in browser(owner).get(f"{place}r/2/").content.decode()


@pytest.mark.parametrize(
    "code", ["user_error", "user_exit", "code_error", "worker_died", "lease_lost", "odd_new_code"]
)
def test_failure_says_why_and_what_next(
    browser: Browser, owner: User, finish: Finish, place: str, code: str
) -> None:
    run = finish(1, "failed")
    cause = Cause(code, "ValueError: no such <layer>", "Traceback: line 3")
    Run.objects.filter(pk=run.pk).update(
        cause_code=cause.code, cause_message=cause.message, cause_traceback=cause.traceback
    )
    page = browser(owner).get(f"{place}r/1/").content.decode()
    assert code in page
    assert "no such &lt;layer&gt;" in page
    assert "Traceback: line 3" in page
    assert "What to do next:" in page
    assert f'action="{place}r/1/retry/"' in page


def test_fragment_brings_sides_and_buttons(browser: Browser, owner: User, place: str) -> None:
    page = browser(owner).get(f"{place}r/1/", headers={"HX-Request": "true"}).content.decode().strip()
    assert page.startswith('<div id="run-live"')
    assert 'id="run-side" hx-swap-oob="outerMorph"' in page
    assert 'id="run-actions" class="btn-list" hx-swap-oob="outerMorph"' in page


def test_the_fragment_reads_nothing_of_the_log(browser: Browser, owner: User, place: str) -> None:
    client = browser(owner)
    with CaptureQueriesContext(connection) as asked:
        client.get(f"{place}r/1/", headers={"HX-Request": "true"})
    statements = " ".join(query["sql"] for query in asked.captured_queries)
    assert "experiments_run" in statements
    assert "experiments_log" not in statements


def test_cancel_then_retry(browser: Browser, owner: User, place: str) -> None:
    client = browser(owner)
    assert "Run #1 is canceled." in client.post(f"{place}r/1/cancel/", follow=True).content.decode()
    assert "cannot be canceled" in client.post(f"{place}r/1/cancel/", follow=True).content.decode()
    assert "Run #1 is queued again." in client.post(f"{place}r/1/retry/", follow=True).content.decode()
    assert "only failed and canceled runs" in client.post(f"{place}r/1/retry/", follow=True).content.decode()


def test_running_run_shows_that_it_will_stop(browser: Browser, owner: User, place: str) -> None:
    run = Run.objects.get(number=1)
    lifecycle.run_move(run, "starting", "leased")
    client = browser(owner)
    page = client.post(f"{place}r/1/cancel/", follow=True).content.decode()
    assert "Run #1 stops at its next report." in page
    assert "Stop requested" in page
    assert "Stopping…" in page
    assert "Stops at its next report." in page


def test_what_workers_use_has_a_chart_of_its_own(
    browser: Browser, owner: User, finish: Finish, place: str
) -> None:
    run = finish(1)
    page = browser(owner)
    shown = page.get(f"{place}r/1/").content.decode()
    # The page may be open before there is a sample.
    assert 'id="system" hx-morph-skip hidden' in shown
    assert f'data-series-url="{place}series/?run=1&amp;system" data-metric=""' in shown
    assert page.get(f"{place}series/?run=1&system").json()["runs"] == []
    report(run, [1_700_000_000], [50.0], name="system/cpu_utilization_percentage")
    assert page.get(f"{place}series/?run=1").json()["metrics"] == ["accuracy"]
    answer = page.get(f"{place}series/?run=1&system").json()
    assert answer["metrics"] == ["system/cpu_utilization_percentage"]
    assert [curve["values"] for curve in answer["runs"]] == [[50.0]]
