from typing import Any

from django.core.cache import cache

from accounts.models import User
from runners.port import RunnerUnavailable
from tests.experiments.conftest import Finish
from tests.experiments.web.conftest import Browser
from tests.fakes.runner import FakeRunner


def staff(user: User) -> User:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    return User.objects.get(pk=user.pk)


def test_only_for_staff(browser: Browser, owner: User) -> None:
    assert browser(owner).get("/overview/").status_code == 404
    assert browser(None).get("/overview/")["Location"].startswith("/accounts/login/")
    assert "/overview/" not in browser(owner).get("/").content.decode()


def test_counts_health_outbox_versions(
    browser: Browser, owner: User, finish: Finish, runner: FakeRunner, django_assert_max_num_queries: Any
) -> None:
    finish(1)
    cache.clear()
    client = browser(staff(owner))
    assert "/overview/" in client.get("/").content.decode()
    with django_assert_max_num_queries(20):
        page = client.get("/overview/").content.decode()
    assert "local answers" in page
    assert "1 run is still to be told" in page
    assert "No job ended badly" in page
    assert "PostgreSQL" in page
    assert "/admin/experiments/trackingsync/" in page


def test_a_backend_that_is_away(browser: Browser, owner: User, runner: FakeRunner, monkeypatch: Any) -> None:
    def away(submission_id: str) -> None:
        raise RunnerUnavailable("Ray does not answer: refused")

    monkeypatch.setattr(runner, "poll", away)
    cache.clear()
    page = browser(staff(owner)).get("/overview/").content.decode()
    assert "local does not answer" in page
    assert "Ray does not answer: refused" in page
    cache.clear()
