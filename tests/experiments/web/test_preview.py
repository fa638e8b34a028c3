"""What the page says before launch, and while somebody types."""

import uuid
from html import unescape
from typing import Any

import pytest

from accounts.models import User
from accounts.services.quotas import quota_set
from experiments.models import Bundle, Experiment
from experiments.web.preview import room_words
from runners.models import Allocation
from runners.selectors.outlook import Outlook
from tests.experiments.web.conftest import Browser
from tests.experiments.web.test_launch import SETTINGS

HTMX = {"HX-Request": "true"}
NEEDS = "Needs 2 CPUs; 0 of 4 are free."


@pytest.mark.parametrize(
    ("outlook", "wanted", "runs", "words"),
    [
        (Outlook(1, 1, 0, ""), 1, 1, "Starts at once."),
        (Outlook(2, 2, 0, ""), 2, 2, "All start at once."),
        (Outlook(2, 2, 0, ""), 2, 9, "2 start at once, the others as these end."),
        (Outlook(1, 1, 0, ""), 1, 9, "1 starts at once, the others as these end."),
        (
            Outlook(2, 2, 0, NEEDS),
            4,
            9,
            "The backend fits 2 at a time. 2 start at once, the others as these end.",
        ),
        (
            Outlook(2, 0, 0, NEEDS),
            2,
            4,
            "0 of 2 free now: needs 2 CPUs; 0 of 4 are free. They start when there is room.",
        ),
        (
            Outlook(2, 1, 0, NEEDS),
            2,
            4,
            "1 of 2 free now: needs 2 CPUs; 0 of 4 are free. The rest starts when there is room.",
        ),
        (
            Outlook(1, 0, 2, NEEDS),
            1,
            1,
            (
                "None free now: needs 2 CPUs; 0 of 4 are free. 2 earlier requests wait before it. "
                "It starts when there is room."
            ),
        ),
    ],
)
def test_whether_it_fits(outlook: Outlook, wanted: int, runs: int, words: str) -> None:
    assert room_words(outlook, wanted=wanted, runs=runs) == words


def test_what_would_run_follows_the_form(browser: Browser, owner: User, bundle: Bundle) -> None:
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    given = SETTINGS | {"p-lr": "0.1, 0.2", "max_parallel": "2", "preview": "live"}
    part = client.post(path, given, headers=HTMX).content.decode()
    assert part.strip().startswith('<div id="preview"')
    assert "<strong>2 runs</strong>" in part
    assert "× 1 CPU" in part
    assert "All start at once." in part
    Allocation.objects.create(
        owner_id=uuid.uuid4(), backend="local", state="running", workers=1, cpus_per_worker=1,
        gpus_per_worker=0, package_key="x",
    )  # fmt: skip
    part = client.post(path, given, headers=HTMX).content.decode()
    assert "1 of 2 free now: needs 1 CPUs; 0 of 2 are free." in part
    assert "preview-some" in part
    assert not Experiment.objects.exists()


def test_what_is_not_finished_yet_is_no_error(browser: Browser, owner: User, bundle: Bundle) -> None:
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    response = client.post(path, SETTINGS | {"p-lr": "", "preview": "live"}, headers=HTMX)
    assert response.status_code == 200
    assert '<a href="#id_p-lr">lr</a>: Parameter lr has no default' in unescape(response.content.decode())
    huge = client.post(path, SETTINGS | {"p-lr": "1", "workers": "60", "preview": "live"}, headers=HTMX)
    assert "could never start" in huge.content.decode()


def test_a_look_costs_the_same_however_many_runs(
    browser: Browser, owner: User, bundle: Bundle, django_assert_max_num_queries: Any
) -> None:
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    for lr in ("0.1", ",".join(str(n / 1000) for n in range(1, 400))):
        with django_assert_max_num_queries(12):
            client.post(path, SETTINGS | {"p-lr": lr, "preview": "live"}, headers=HTMX)


def test_quotas_speak_before_launch_and_refuse_it_at_the_form(
    browser: Browser, owner: User, bundle: Bundle
) -> None:
    root = User.objects.create_superuser("root", "root@example.org")
    quota_set(actor=root, scope="project", resource="queued_runs", hard=1)
    quota_set(actor=root, scope="user", resource="cpus", soft=1, hard=8)
    client, path = browser(owner), f"/p/vision/new/{bundle.pk}/"
    given = SETTINGS | {"p-lr": "0.1, 0.2", "max_parallel": "2"}
    part = client.post(path, given | {"preview": "live"}, headers=HTMX).content.decode()
    refused = "Project Vision has 0 of 1 queued runs: 1 more fits, not 2."
    assert part.index(f"<strong>Over quota.</strong> {refused}") < part.index("Near the limit.")
    assert "Beyond 1 CPUs people are warned." in part
    assert "start at once" not in part
    answer = client.post(path, given)
    assert answer.status_code == 400
    assert "Project Vision may have 1 queued runs and has 0: 1 more fits, not 2." in answer.content.decode()
    assert not Experiment.objects.exists()
    part = client.post(path, given | {"p-lr": "0.1", "preview": "live"}, headers=HTMX).content.decode()
    assert "Starts at once." in part
    assert "this queues 1 more" in part
