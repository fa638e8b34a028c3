import re
from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest

from accounts.models import User
from experiments.models import Experiment, Run, RunEvent
from experiments.selectors import events
from experiments.services.control import experiment_pause, run_cancel
from experiments.services.searching import sets_propose
from tests.experiments.web.conftest import Browser


@pytest.fixture
def page_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    return lambda rows: monkeypatch.setattr(
        events.event_page, "__kwdefaults__", {"kind": "", "run": None, "cursor": "", "limit": rows}
    )


def kinds(page: str) -> list[str]:
    return re.findall(
        r'<span class="state state-\w+"><span class="state-dot" aria-hidden="true"></span>([^<]+)<', page
    )


def link(page: str, words: str) -> str:
    found = re.search(rf'href="(\?[^"]*)"[^>]*>[^?]*?{words}', page)
    return found[1].replace("&amp;", "&") if found else ""


def test_who_did_what_newest_first(
    browser: Browser, owner: User, viewer: User, experiment: Experiment, place: str
) -> None:
    run_cancel(user=owner, run=Run.objects.get(number=2))
    experiment_pause(user=owner, experiment=experiment)
    page = browser(viewer).get(f"{place}events/").content.decode()
    assert kinds(page) == ["Paused", "Canceled", "Queued", "Queued", "Created"]
    assert f'href="{place}r/2/"' in page
    assert page.count("The experiment</span>") == 2
    assert page.count(">olivia<") == 5
    assert 'data-live="experiment/' in page
    assert f'href="{place}events/" aria-current="page"' in page


def test_filters(browser: Browser, owner: User, experiment: Experiment, place: str) -> None:
    run_cancel(user=owner, run=Run.objects.get(number=2))
    client = browser(owner)
    page = client.get(f"{place}events/", {"run": "2"}).content.decode()
    assert kinds(page) == ["Canceled", "Queued"]
    assert "Events of run #2" in page
    page = client.get(f"{place}events/", {"kind": "queued"}).content.decode()
    assert kinds(page) == ["Queued", "Queued"]
    assert '<option value="queued" selected>Queued</option>' in page
    assert re.findall(r'<option value="(\w+)"', page) == ["canceled", "created", "queued"]
    page = client.get(f"{place}events/", {"kind": "failed", "run": "2"}).content.decode()
    assert "No event matches" in page
    assert client.get(f"{place}events/", {"run": "two"}).status_code == 400


def test_pages_and_only_the_first_is_live(
    browser: Browser, owner: User, experiment: Experiment, place: str, page_of: Callable[[int], None]
) -> None:
    page_of(2)
    run_cancel(user=owner, run=Run.objects.get(number=2))
    client = browser(owner)
    first = client.get(f"{place}events/", {"kind": ""}).content.decode()
    assert kinds(first) == ["Canceled", "Queued"]
    assert 'data-live-on="run experiment"' in first
    last = client.get(f"{place}events/{link(first, 'Older')}").content.decode()
    assert kinds(last) == ["Queued", "Created"]
    assert "data-live-on" not in last
    assert kinds(client.get(f"{place}events/{link(last, 'Newer')}").content.decode()) == kinds(first)
    of_one = client.get(f"{place}events/", {"run": "1"}).content.decode()
    assert link(of_one, "Older") == ""
    assert client.get(f"{place}events/", {"after": "nonsense"}).status_code == 400


def test_a_search_that_failed_is_told(
    browser: Browser, owner: User, experiment: Experiment, place: str
) -> None:
    with (
        mock.patch("experiments.services.searching._ask", side_effect=ValueError("no <such> thing")),
        mock.patch("experiments.services.searching.experiment_changed") as changed,
    ):
        sets_propose(experiment.pk)
    changed.assert_called_once()
    page = browser(owner).get(f"{place}events/").content.decode()
    assert kinds(page)[0] == "Search failed"
    assert "ValueError: no &lt;such&gt; thing" in page


def test_an_event_of_another_experiment_is_not_shown(
    browser: Browser, owner: User, experiment: Experiment, place: str
) -> None:
    other = Experiment.objects.get(pk=experiment.pk)
    other.pk, other.slug, other._state.adding = None, "other", True
    other.id = other._meta.pk.get_default()
    other.save()
    RunEvent.objects.create(experiment=other, kind="reopened")
    page = browser(owner).get(f"{place}events/").content.decode()
    assert "Reopened" not in page
    assert kinds(browser(owner).get("/p/vision/e/other/events/").content.decode()) == ["Reopened"]


def test_query_count_does_not_grow_with_events(
    browser: Browser, owner: User, experiment: Experiment, place: str, django_assert_max_num_queries: Any
) -> None:
    run = Run.objects.get(number=1)
    RunEvent.objects.bulk_create(
        RunEvent(experiment=experiment, run=run, kind="queued", actor=owner) for _ in range(40)
    )
    client = browser(owner)
    with django_assert_max_num_queries(10):
        client.get(f"{place}events/")


def test_the_run_page_leads_to_its_events(browser: Browser, owner: User, place: str) -> None:
    assert f'href="{place}events/?run=1"' in browser(owner).get(f"{place}r/1/").content.decode()
