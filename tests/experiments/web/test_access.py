"""Every page of a project: anonymous people sign in, strangers get 404, viewers 403 where they may only look."""

import pytest

from accounts.models import User
from experiments.models import Bundle, Experiment
from tests.experiments.web.conftest import Browser

LOOK = ["/p/vision/", "{e}", "{e}?sort=-duration", "{e}?group=set", "{e}series/", "{e}analysis/", "{e}r/1/"]
LOOK += ["{e}r/1/log/"]
LOOK += ["{e}events/"]
CHANGE_BY_GET = [
    "/p/vision/new/",
    "/p/vision/new/{bundle}/",
    "{e}add/",
    "{e}edit/",
    "{e}r/1/fork/",
    "{e}r/1/continue/",
]
CHANGE_BY_POST = [
    "{e}pause/", "{e}resume/", "{e}cancel/", "{e}retry/", "{e}runs/", "{e}r/1/cancel/", "{e}r/1/retry/",
]  # fmt: skip


def path(template: str, experiment: Experiment, bundle: Bundle) -> str:
    return template.format(e=experiment.get_absolute_url(), bundle=bundle.pk)


@pytest.mark.parametrize("template", [*LOOK, *CHANGE_BY_GET])
def test_look(
    *, template: str, browser: Browser, experiment: Experiment, bundle: Bundle, viewer: User, stranger: User
) -> None:
    url = path(template, experiment, bundle)
    assert browser(None).get(url)["Location"].startswith("/accounts/login/?next=/p/")
    assert browser(stranger).get(url).status_code == 404
    assert browser(viewer).get(url).status_code == (403 if template in CHANGE_BY_GET else 200)
    assert browser(experiment.created_by).get(url).status_code == 200


@pytest.mark.parametrize("template", [*CHANGE_BY_GET, *CHANGE_BY_POST])
def test_change(
    *, template: str, browser: Browser, experiment: Experiment, bundle: Bundle, viewer: User, stranger: User
) -> None:
    url = path(template, experiment, bundle)
    assert browser(None).post(url)["Location"].startswith("/accounts/login/")
    assert browser(stranger).post(url).status_code == 404
    refused = browser(viewer).post(url)
    assert refused.status_code == 403
    assert "Its owners can change your role." in refused.content.decode()


@pytest.mark.parametrize("template", CHANGE_BY_POST)
def test_a_link_changes_nothing(
    template: str, browser: Browser, experiment: Experiment, bundle: Bundle
) -> None:
    assert browser(experiment.created_by).get(path(template, experiment, bundle)).status_code == 405


def test_signed_out_fragment_reloads_the_page(browser: Browser, place: str) -> None:
    response = browser(None).get(place, headers={"HX-Request": "true"})
    assert response["HX-Refresh"] == "true"


def test_fragment_error_is_a_toast(browser: Browser, place: str, owner: User) -> None:
    response = browser(owner).get(f"{place}?sort=nonsense", headers={"HX-Request": "true"})
    page = response.content.decode()
    assert response.status_code == 400
    assert "Cannot sort by" in page
    assert 'hx-target="#toasts"' in page
    assert "<html" not in page


def test_nothing_inline_for_a_strict_policy(browser: Browser, place: str, owner: User) -> None:
    response = browser(owner).get(place)
    policy = response["Content-Security-Policy"]
    page = response.content.decode()
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    assert "style=" not in page
    assert "<style" not in page
    assert "<script>" not in page
