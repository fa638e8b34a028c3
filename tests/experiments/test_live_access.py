"""Whoever loses the right to watch hears nothing of what happens afterwards."""

from datetime import timedelta
from typing import Any

import pytest
from channels.db import database_sync_to_async
from django.contrib.sessions.backends.db import SessionStore

from accounts.models import ApiToken, Membership, Project, User
from accounts.selectors.callers import Caller
from accounts.services.access import GROUP as ACCESS
from accounts.services.projects import project_create
from accounts.services.tokens import digest, token_create
from experiments import broadcast as module
from experiments.models import Experiment
from experiments.selectors.watching import Place, Watcher, refusals
from mlplatform.kernel import clock
from tests.experiments.live import RUN, signed_in, tell, watch

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.asyncio]


@pytest.fixture(autouse=True)
def in_memory(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The layer of Valkey belongs to one event loop; each test has its own. And nothing beats in between."""
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
    monkeypatch.setattr(module, "BEAT_S", 1000)


async def test_a_token_watches_too_until_it_is_revoked(viewer: User, experiment: Experiment) -> None:
    token, text = await database_sync_to_async(token_create)(user=viewer, name="ci")
    caller = Caller(viewer.pk, token_id=token.pk, token_digest=digest(text))
    page = await watch(viewer, "experiment", experiment.pk, caller=caller)
    await tell(experiment.pk, RUN)
    assert (await page.frame())["changed"] == ["run:r1"]
    await ApiToken.objects.filter(pk=token.pk).adelete()
    await tell(ACCESS, {"what": "access"})
    assert await page.close_code() == 4401


@pytest.mark.parametrize("is_idle", [True, False])
async def test_a_socket_dies_with_the_time_of_its_token(
    is_idle: bool, viewer: User, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECHECK_S", 0.05 if is_idle else 1000)
    token, text = await database_sync_to_async(token_create)(user=viewer, name="ci", days=1)
    caller = Caller(viewer.pk, token_id=token.pk, token_digest=digest(text))
    page = await watch(viewer, "experiment", experiment.pk, caller=caller)
    later = clock.now() + timedelta(days=1)
    monkeypatch.setattr(clock, "now", lambda: later)
    if not is_idle:
        await tell(experiment.pk, RUN)
    assert await page.close_code() == 4401


async def test_a_token_of_a_project_hears_that_project_only(
    owner: User, project: Project, experiment: Experiment
) -> None:
    """Also beside a socket of the same person, who may hear everything."""
    other = await database_sync_to_async(project_create)(user=owner, name="Speech")
    token, text = await database_sync_to_async(token_create)(user=owner, name="ci", project=other)
    caller = Caller(owner.pk, token_id=token.pk, token_digest=digest(text))
    places = (
        Watcher(caller, Place("experiment", experiment.pk)),
        Watcher(caller, Place("project", other.pk)),
    )
    person = Watcher(await database_sync_to_async(signed_in)(owner), places[0].place)
    assert await database_sync_to_async(refusals)([*places, person]) == {places[0]: 4404}


def change(what: str, user: User, project: Project, session_key: str) -> None:
    match what:
        case "membership":
            Membership.objects.filter(user=user, project=project).delete()
        case "inactive":
            User.objects.filter(pk=user.pk).update(is_active=False)
        case "deleted":
            user.delete()
        case "password":
            user.set_password("another horse battery")
            user.save()
        case "sign-out":
            SessionStore(session_key).delete()
        case "project":
            project.experiments.all().delete()


CHANGES = {
    "membership": 4404,
    "inactive": 4401,
    "deleted": 4401,
    "password": 4401,
    "sign-out": 4401,
    "project": 4404,
}


@pytest.mark.parametrize("what", CHANGES)
async def test_who_may_not_watch_any_more_hears_nothing_of_what_happens_then(
    what: str, owner: User, viewer: User, project: Project, experiment: Experiment
) -> None:
    """Even if nobody says that access has changed."""
    caller = await database_sync_to_async(signed_in)(viewer)
    page = await watch(viewer, "experiment", experiment.pk, caller=caller)
    await database_sync_to_async(change)(what, viewer, project, caller.session_key)
    await tell(experiment.pk, RUN)
    assert await page.close_code() == CHANGES[what]


@pytest.mark.parametrize("what", CHANGES)
async def test_idle_pages_are_closed_when_access_changes(
    what: str, owner: User, viewer: User, project: Project, experiment: Experiment
) -> None:
    caller = await database_sync_to_async(signed_in)(viewer)
    page = await watch(viewer, "experiment", experiment.pk, caller=caller)
    other = await watch(owner, "project", experiment.project_id)
    await database_sync_to_async(change)(what, viewer, project, caller.session_key)
    await tell(ACCESS, {"what": "access"})
    assert await page.close_code() == CHANGES[what]
    await tell(experiment.project_id, RUN, "project")
    assert (await other.frame())["changed"] == ["run:r1"]
    await other.leave()


async def test_idle_pages_are_looked_at_now_and_then(
    viewer: User, project: Project, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECHECK_S", 0.05)
    page = await watch(viewer, "experiment", experiment.pk)
    await database_sync_to_async(change)("membership", viewer, project, "")
    assert await page.close_code() == 4404
