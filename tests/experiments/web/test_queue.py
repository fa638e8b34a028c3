import uuid
from typing import Any

import pytest

from accounts.models import User
from accounts.services.projects import project_create
from experiments.models import Experiment, Run
from mlplatform.kernel import clock
from runners.models import Allocation
from tests.experiments.web.conftest import Browser

Leased = tuple[Allocation, Run, dict[str, Any]]


def job(owner_id: uuid.UUID, state: str = "waiting", **fields: Any) -> Allocation:
    """A job of four CPUs."""
    asked = {"workers": 2, "cpus_per_worker": 2, "gpus_per_worker": 0}
    return Allocation.objects.create(
        owner_id=owner_id, backend="local", state=state, package_key="x", **asked, **fields
    )


def test_nothing_runs(browser: Browser, stranger: User) -> None:
    page = browser(stranger).get("/queue/").content.decode()
    assert "Nothing runs" in page
    assert "Nothing of yours waits" in page


def test_what_runs_and_how_far_it_is(browser: Browser, viewer: User, leased: Leased) -> None:
    Run.objects.filter(number=1).update(state="running", progress=0.25)
    Run.objects.filter(number=2).update(waiting_reason="Its turn comes after run 1.")
    page = browser(viewer).get("/queue/").content.decode()
    assert "Run #1" in page
    assert "25 %" in page
    assert "1 CPU<" in page
    assert "Its turn comes after run 1." in page
    assert "1 run queued" in page


def test_the_line_keeps_its_order(browser: Browser, viewer: User, experiment: Experiment) -> None:
    job(uuid.uuid4())
    job(experiment.pk, waiting_reason="Waits behind an earlier one that needs more room.")
    page = browser(viewer).get("/queue/").content.decode()
    assert "Number </span>2</span>" in page
    assert "Waits behind an earlier one" in page
    assert "2 runs queued" in page
    assert "Others wait in the same line with 1 job for 4 CPUs" in page


def test_others_are_only_numbers(browser: Browser, stranger: User, leased: Leased) -> None:
    page = browser(stranger).get("/queue/").content.decode()
    assert "sweep" not in page
    assert "Vision" not in page
    assert str(leased[1].experiment_id) not in page
    assert "1 job of others holds 1 CPU." in page
    assert "1 by others" in page


def test_staff_see_all(browser: Browser, stranger: User, leased: Leased) -> None:
    User.objects.filter(pk=stranger.pk).update(is_staff=True)
    page = browser(User.objects.get(pk=stranger.pk)).get("/queue/").content.decode()
    assert "Run #1" in page
    # What they may not watch, they do not ask for.
    assert 'data-live="queue/00000000-0000-0000-0000-000000000000"' in page
    # Nor are they led to pages that they may not open.
    assert "sweep" in page
    assert "/e/sweep/" not in page


@pytest.mark.parametrize("state", ["active", "paused", "canceled"])
def test_only_what_may_start_waits(state: str, browser: Browser, owner: User, experiment: Experiment) -> None:
    Experiment.objects.update(state=state)
    page = browser(owner).get("/queue/").content.decode()
    assert ("sweep" in page) == (state != "canceled")


def test_query_count_does_not_grow(
    browser: Browser, owner: User, leased: Leased, django_assert_max_num_queries: Any
) -> None:
    client = browser(owner)
    assert (
        client.get("/queue/", headers={"HX-Request": "true"}).content.decode().strip().startswith("<div id=")
    )
    with django_assert_max_num_queries(8):
        client.get("/queue/")
    project = project_create(user=owner, name="Other")
    for number in range(5):
        more = Experiment.objects.order_by("created_at")[0]
        more.pk, more.slug, more.project = uuid.uuid4(), f"more-{number}", project
        more.save(force_insert=True)
        run = Run.objects.create(experiment=more, number=1, set_number=1, seed=1)
        job(more.pk, "running", submitted_at=clock.now()).leases.create(
            subject_id=run.pk, attempt=1, group_id="g", expires_at=clock.now()
        )
        job(uuid.uuid4(), "running", submitted_at=clock.now())
    with django_assert_max_num_queries(8):
        assert "more-4" in client.get("/queue/").content.decode()


def test_anonymous(browser: Browser) -> None:
    assert browser(None).get("/queue/")["Location"].startswith("/accounts/login/")
