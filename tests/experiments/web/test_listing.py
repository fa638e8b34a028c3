"""The bar above the runs: query, columns, pages, views, tags; all of it works by links and forms alone."""

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import User
from experiments.models import Experiment, Run, RunView
from experiments.services.launch import runs_add
from experiments.web import listing
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser


def order(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<tr id="run-[^>]*>\s*<th.*?/r/(\d+)/', page, re.DOTALL)]


def headers(page: str) -> list[str]:
    return re.findall(r'id="sort-\d+"[^>]*>([^<]*)<', page)


def link(page: str, name: str) -> str:
    found = re.search(rf'id="{name}"[^>]* href="([^"]*)"', page)
    return found[1].replace("&amp;", "&") if found else ""


def shown(client: Client, place: str, **query: Any) -> str:
    return client.get(place, query).content.decode()


def test_a_query_and_its_error(browser: Browser, viewer: User, finish: Finish, place: str) -> None:
    finish(1, accuracy=(0.5,))
    finish(2, accuracy=(0.9,))
    client = browser(viewer)
    page = shown(client, place, where="metrics.accuracy > 0.8")
    assert order(page) == [2]
    assert 'value="metrics.accuracy &gt; 0.8"' in page
    assert "1 of 2 runs match" in page
    assert '<option value="params.lr"' in page
    # Links keep the query.
    assert "?where=metrics.accuracy+%3E+0.8&amp;sort=params.lr" in page
    page = shown(client, place, where="metrics.acuracy > 0.8")
    assert "Column 1: no run here has a metric &#x27;acuracy&#x27;; did you mean accuracy?" in page
    assert order(page) == []
    assert "No run matches" in shown(client, place, where="state = failed")


def test_pages(
    browser: Browser, owner: User, experiment: Experiment, place: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_ROWS", 2)
    runs_add(user=owner, experiment=experiment, param_sets=[{"lr": n} for n in range(3)])
    client = browser(owner)
    page = shown(client, place, sort="-number")
    assert (order(page), link(page, "page-previous")) == ([5, 4], "")
    assert "2 of 5 runs" in page
    page = client.get(place + link(page, "page-next")).content.decode()
    assert order(page) == [3, 2]
    # What is done to runs leads back to their page.
    action = re.search(r'action="([^"]*/runs/[^"]*)"', page)
    assert action is not None
    path = action[1].replace("&amp;", "&")
    back = client.post(path, {"action": "cancel", "run": "3"})
    assert order(client.get(back["Location"]).content.decode()) == [3, 2]
    last = client.get(place + link(page, "page-next")).content.decode()
    assert (order(last), link(last, "page-next")) == ([1], "")
    assert order(client.get(place + link(last, "page-previous")).content.decode()) == [3, 2]
    assert order(client.get(place + link(last, "page-first")).content.decode()) == [5, 4]
    assert client.get(place, {"sort": "number", "after": "nonsense"}).status_code == 400


def test_columns(browser: Browser, owner: User, finish: Finish, place: str) -> None:
    finish(1)
    client = browser(owner)
    assert headers(shown(client, place)) == ["Run", "State", "accuracy (best)", "lr", "Run time"]
    chosen = {"column": ["tags", "params.lr", "metrics.accuracy.last", "nonsense", "created"]}
    page = shown(client, place, **chosen)
    assert headers(page) == ["Run", "lr", "accuracy (last)", "Created"]
    assert headers(shown(client, place, **chosen, up="metrics.accuracy.last"))[1:3] == [
        "accuracy (last)",
        "lr",
    ]
    assert headers(shown(client, place, **chosen, down="params.lr"))[1:3] == ["accuracy (last)", "lr"]
    assert headers(shown(client, place, **chosen, up="tags")) == headers(page)
    assert headers(shown(client, place, differing="1", column=["params.epochs", "params.lr"])) == [
        "Run",
        "lr",
    ]


def test_pinned_runs_stand_above_all_others(
    browser: Browser, viewer: User, finish: Finish, experiment: Experiment, place: str
) -> None:
    finish(1)
    finish(2)
    runs_add(user=experiment.created_by, experiment=experiment, param_sets=[{"lr": n} for n in range(2)])
    client = browser(viewer)
    pinned = client.post(f"{place}runs/?sort=-number", {"action": "pin", "run": ["1", "3"]})
    assert pinned["Location"] == f"{place}?sort=-number&pin=1%2C3"
    page = client.get(pinned["Location"]).content.decode()
    assert order(page) == [1, 3, 4, 2]
    # Links keep them; their own takes them away.
    assert "?sort=number&amp;pin=1%2C3" in page
    assert 'href="?sort=-number&amp;pin=3" hx-get="?sort=-number&amp;pin=3"' in page
    assert order(shown(client, place, pin="4,x,99,4", where="state = completed")) == [4, 1, 2]
    assert order(shown(client, place, pin="4", where="state = failed")) == [4]
    again = client.post(f"{place}runs/?sort=-number&pin=1,3", {"action": "pin", "run": ["3", "1"]})
    assert again["Location"] == f"{place}?sort=-number"
    assert order(shown(client, place, group="set", pin="1")) == []


def test_runs_by_the_value_of_a_parameter(browser: Browser, viewer: User, finish: Finish, place: str) -> None:
    finish(1, accuracy=(0.5,))
    client = browser(viewer)
    assert 'href="?group=params.lr"' in shown(client, place)
    page = shown(client, place, group="params.lr", where="number < 9")
    assert "Values of lr" in page
    assert headers(page) == ["lr", "accuracy (best)", "Run time"]
    assert re.findall(r'<th scope="row"[^>]*>([^<]*)</th>', page) == ["0.1", "0.2"]
    (found, _) = re.findall(r'<td><a class="group-runs" href="([^"]*)" aria-label="Runs: ', page)
    assert order(client.get(place + found.replace("&amp;", "&")).content.decode()) == [1]
    assert order(shown(client, place, group="metrics.accuracy")) == [1, 2]
    assert "No run matches" in shown(client, place, group="params.gone")


def test_a_view_is_kept_shown_first_and_forgotten(
    browser: Browser, owner: User, viewer: User, finish: Finish, place: str
) -> None:
    finish(1)
    client = browser(owner)
    sent = {"name": "mine", "experiment": "sweep", "is_default": "1"}
    saved = client.post(
        "/p/vision/views/?where=number+%3E+1&column=state", sent, follow=True
    ).content.decode()
    assert "Saved the view mine." in saved
    assert order(shown(client, place)) == [2]
    assert order(shown(client, place, sort="number")) == [1, 2]
    assert order(shown(browser(viewer), place)) == [1, 2]
    assert "There is a view" in client.post("/p/vision/views/", sent, follow=True).content.decode()
    forbidden = browser(viewer).post("/p/vision/views/", sent | {"is_shared": "1"})
    assert forbidden.status_code == 403
    # A view from elsewhere does not break the page.
    RunView.objects.update(where="metrics.other > 1", sort="-metrics.other")
    page = shown(client, place)
    assert "no run here has a metric" in page
    view = RunView.objects.get()
    assert (
        browser(viewer).post(f"/p/vision/views/{view.pk}/delete/", {"experiment": "sweep"}).status_code == 404
    )
    client.post(f"/p/vision/views/{view.pk}/delete/", {"experiment": "sweep"})
    assert not RunView.objects.exists()


def test_a_view_that_is_too_long_is_refused(browser: Browser, owner: User, place: str) -> None:
    client = browser(owner)
    sent = {"name": "mine", "experiment": "sweep"}
    page = client.post(f"/p/vision/views/?sort=tags.{'x' * 296}", sent, follow=True)
    assert "The order of a view has at most 300 characters." in page.content.decode()
    assert not RunView.objects.exists()


def test_nothing_is_done_to_views_from_a_page_that_is_not_there(
    browser: Browser, owner: User, experiment: Experiment
) -> None:
    client = browser(owner)
    sent = {"name": "mine", "experiment": "gone"}
    assert client.post("/p/vision/views/?sort=number", sent).status_code == 404
    assert not RunView.objects.exists()
    view = RunView.objects.create(project=experiment.project, owner=owner, name="mine")
    assert client.post(f"/p/vision/views/{view.pk}/delete/", sent).status_code == 404
    assert RunView.objects.exists()


def test_strangers_find_nothing(browser: Browser, stranger: User, place: str) -> None:
    client = browser(stranger)
    assert client.get(place, {"where": "number = 1"}).status_code == 404
    assert client.post("/p/vision/views/", {"name": "x", "experiment": "sweep"}).status_code == 404


def test_a_run_is_tagged_on_its_page(
    browser: Browser, owner: User, viewer: User, stranger: User, place: str
) -> None:
    run = f"{place}r/1/"
    client = browser(owner)
    page = client.post(f"{run}tag/", {"tag": "kind=ablation"}, follow=True)
    assert page.redirect_chain == [(run, 302)]
    assert "kind: ablation" in page.content.decode()
    assert "is no tag" in client.post(f"{run}tag/", {"tag": "kind"}, follow=True).content.decode()
    seen = shown(browser(viewer), run)
    assert "kind: ablation" in seen
    assert f"{run}tag/" not in seen
    assert browser(viewer).post(f"{run}tag/", {"tag": "kind="}).status_code == 403
    assert browser(stranger).post(f"{run}tag/", {"tag": "kind="}).status_code == 404
    client.post(f"{run}tag/", {"tag": "kind="})
    assert Run.objects.get(number=1).tags == {}


def test_selected_runs_are_tagged(browser: Browser, owner: User, place: str) -> None:
    client = browser(owner)
    sent = {"action": "tag", "run": ["1", "2"]}
    assert (
        "2 runs tagged"
        in client.post(f"{place}runs/", sent | {"tag": "kind = a=b"}, follow=True).content.decode()
    )
    assert order(shown(client, place, where='tags.kind = "a=b"')) == [1, 2]
    assert "kind: a=b" in shown(client, place, column="tags")
    assert "is no tag" in client.post(f"{place}runs/", sent | {"tag": "kind"}, follow=True).content.decode()
    client.post(f"{place}runs/", sent | {"tag": "kind="})
    assert list(Run.objects.values_list("tags", flat=True)) == [{}, {}]


def test_a_view_keeps_groups_and_pins(
    browser: Browser, owner: User, experiment: Experiment, place: str
) -> None:
    client = browser(owner)
    for name, look in (("Pins", "?sort=-number&pin=2"), ("Groups", "?group=params.lr")):
        client.post(f"/p/vision/views/{look}", {"name": name, "experiment": experiment.slug})
    page = client.get(place).content.decode()
    assert 'href="?sort=-number&amp;pin=2">Pins' in page
    assert 'href="?group=params.lr">Groups' in page
    # Numbers mean the runs of that experiment alone.
    RunView.objects.filter(name="Pins").update(pinned_of=uuid4())
    assert 'href="?sort=-number">Pins' in client.get(place).content.decode()
