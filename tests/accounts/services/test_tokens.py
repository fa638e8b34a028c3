from datetime import timedelta
from typing import Any

import pytest

from accounts.models import ApiToken, AuditEvent, Membership, Project, Role, Scope, User
from accounts.services import tokens
from accounts.services.projects import project_create
from accounts.services.token_use import token_user
from accounts.services.tokens import project_token_revoke, token_create, token_end, token_revoke, token_rotate
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated
from tests.fixtures import user_create

HOUR = timedelta(hours=1)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Let time pass."""
    begun = clock.now()

    def wait(passed: timedelta) -> None:
        monkeypatch.setattr(clock, "now", lambda: begun + passed)

    return wait


def works(text: str) -> bool:
    try:
        token_user(text)
    except Unauthenticated:
        return False
    return True


def test_a_token_works_until_it_is_revoked(owner: User) -> None:
    token, text = token_create(user=owner, name="ci")
    assert text.startswith(token.prefix)
    assert text not in (token.digest, token.prefix)
    assert token_user(text) == owner
    token_revoke(user=owner, token_id=token.pk)
    assert not works(text)


def test_it_expires(owner: User, later: Any) -> None:
    text = token_create(user=owner, name="ci", days=30)[1]
    forever = token_create(user=owner, name="ci", days=None)[1]
    later(timedelta(days=29))
    assert works(text)
    later(timedelta(days=31))
    assert works(forever)
    with pytest.raises(Unauthenticated, match=r"has expired\. Rotate it"):
        token_user(text)


def test_without_a_word_it_writes_for_90_days(owner: User) -> None:
    token, text = token_create(user=owner, name="ci")
    assert token.expires_at is not None
    assert (token.expires_at - token.created_at).days in (89, 90)
    grant = token_user(text).grant
    assert grant is not None
    assert (grant.scope, grant.project_id, grant.prefix) == (Scope.WRITE, None, token.prefix)


def test_nobody_revokes_or_rotates_a_token_of_another(owner: User, stranger: User) -> None:
    token, _ = token_create(user=owner, name="ci")
    with pytest.raises(NotFound):
        token_revoke(user=stranger, token_id=token.pk)
    with pytest.raises(NotFound):
        token_rotate(user=stranger, token_id=token.pk)
    assert ApiToken.objects.exists()


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "x", "scope": "all"}, "scope"),
        ({"name": "x", "days": 0}, "days"),
        ({"name": "x", "days": 3651}, "days"),
    ],
)
def test_what_makes_no_token(owner: User, given: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        token_create(user=owner, **given)
    assert caught.value.field == field


def test_there_is_a_limit(owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "MAX_TOKENS", 1)
    token_create(user=owner, name="ci")
    with pytest.raises(Conflict):
        token_create(user=owner, name="ci")


def test_a_rotated_token_has_another_text_and_stays_the_same(owner: User, later: Any) -> None:
    token, old = token_create(user=owner, name="ci", scope=Scope.READ, days=10)
    later(timedelta(days=8))
    same, new = token_rotate(user=owner, token_id=token.pk)
    assert (same.pk, same.name, same.scope) == (token.pk, "ci", Scope.READ)
    assert new.startswith(same.prefix)
    assert (works(old), works(new)) == (False, True)
    later(timedelta(days=17))
    assert works(new), "ten days from the rotation on"
    later(timedelta(days=19))
    assert not works(new)


def test_the_old_text_may_work_for_a_while(owner: User, later: Any) -> None:
    token, first = token_create(user=owner, name="ci", days=None)
    _, second = token_rotate(user=owner, token_id=token.pk, grace=HOUR)
    assert (works(first), works(second)) == (True, True)
    later(2 * HOUR)
    assert (works(first), works(second)) == (False, True)
    later(timedelta(0))
    _, third = token_rotate(user=owner, token_id=token.pk, grace=HOUR)
    assert (works(first), works(second), works(third)) == (False, True, True)


def test_a_grace_does_not_outlive_the_old_expiry(owner: User, later: Any) -> None:
    token, old = token_create(user=owner, name="ci", days=1)
    later(timedelta(hours=23))
    token_rotate(user=owner, token_id=token.pk, grace=timedelta(days=7))
    later(timedelta(hours=25))
    assert not works(old)


@pytest.mark.parametrize("grace", [timedelta(days=8), -HOUR])
def test_a_grace_has_a_limit(owner: User, grace: timedelta) -> None:
    token, _ = token_create(user=owner, name="ci")
    with pytest.raises(InvalidInput, match="7 days"):
        token_rotate(user=owner, token_id=token.pk, grace=grace)


def test_an_owner_makes_a_token_of_the_project(project: Project, owner: User, viewer: User) -> None:
    token, text = token_create(user=owner, name="ci", project=project)
    grant = token_user(text).grant
    assert grant is not None
    assert grant.project_id == project.pk
    with pytest.raises(Forbidden):
        token_create(user=viewer, name="ci", project=project)
    admin = User.objects.create_superuser("ada", "ada@example.org", "x")
    with pytest.raises(Forbidden, match="you are none of Vision"):
        token_create(user=admin, name="ci", project=project)
    project_token_revoke(user=admin, project=project, token_id=token.pk)
    assert not works(text)


def test_it_dies_with_the_membership_of_its_maker(project: Project, owner: User) -> None:
    text = token_create(user=owner, name="ci", project=project)[1]
    personal = token_create(user=owner, name="ci")[1]
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert not works(text)
    User.objects.filter(pk=owner.pk).update(is_active=True)
    assert works(text)
    Membership.objects.filter(user=owner).delete()
    Membership.objects.create(user=owner, project=project, role=Role.OWNER)
    assert (works(text), works(personal)) == (False, True)


def test_owners_revoke_each_others_but_do_not_speak_for_each_other(project: Project, owner: User) -> None:
    other = user_create("otto")
    Membership.objects.create(user=other, project=project, role=Role.OWNER)
    token, _ = token_create(user=owner, name="ci", project=project)
    foreign, _ = token_create(user=other, name="own", project=project_create(user=other, name="Else"))
    with pytest.raises(NotFound):
        token_rotate(user=other, token_id=token.pk)
    with pytest.raises(NotFound):
        project_token_revoke(user=other, project=project, token_id=foreign.pk)
    project_token_revoke(user=other, project=project, token_id=token.pk)
    assert ApiToken.objects.get() == foreign


@pytest.mark.parametrize("given", [{"scope": Scope.WRITE}, {"scope": Scope.ADMIN, "project": True}])
def test_a_lesser_token_manages_no_tokens(project: Project, owner: User, given: dict[str, Any]) -> None:
    made = {**given, "project": project if "project" in given else None}
    token, text = token_create(user=owner, name="ci", **made)
    user = token_user(text)
    for forbidden in (
        lambda: token_create(user=user, name="more"),
        lambda: token_create(user=user, name="more", project=project),
        lambda: token_rotate(user=user, token_id=token.pk),
        lambda: token_revoke(user=user, token_id=token.pk),
        lambda: project_token_revoke(user=user, project=project, token_id=token.pk),
        lambda: project_create(user=user, name="more"),
    ):
        with pytest.raises(Forbidden):
            forbidden()
    token_end(text=text)
    assert not works(text)


def test_what_happens_to_tokens_is_written_down(project: Project, owner: User) -> None:
    token, text = token_create(user=owner, name="ci", scope=Scope.ADMIN, days=None)
    user = token_user(text)
    made, _ = token_create(user=user, name="more", scope=Scope.READ, project=project)
    rotated, _ = token_rotate(user=owner, token_id=made.pk, grace=HOUR)
    token_revoke(user=owner, token_id=token.pk)
    rows = AuditEvent.objects.filter(verb__startswith="token.").order_by("id")
    assert list(rows.values_list("verb", "target", "project", "detail")) == [
        ("token.create", token.prefix, None, {"name": "ci", "scope": "admin", "days": None}),
        (
            "token.create",
            made.prefix,
            project.pk,
            {"token": token.prefix, "name": "more", "scope": "read", "days": 90},
        ),
        ("token.rotate", rotated.prefix, project.pk, {"before": made.prefix, "grace_hours": 1.0}),
        ("token.revoke", token.prefix, None, {"name": "ci", "of": "olivia"}),
    ]
    assert text not in str(list(rows.values()))
