"""What a token leaves of its maker's rights."""

from typing import Any

import pytest

from accounts.models import Membership, Project, Role, Scope, User
from accounts.permissions import (
    is_site_admin,
    is_staff,
    require,
    require_whole,
    require_write,
    rights,
    role_in,
    roles_in,
    visible_projects,
)
from accounts.services.projects import project_create
from accounts.services.token_use import token_user
from accounts.services.tokens import token_create
from mlplatform.kernel.errors import Forbidden, NotFound
from tests.fixtures import user_create


@pytest.fixture
def other(owner: User) -> Project:
    return project_create(user=owner, name="Speech")


@pytest.fixture
def admin(db: None) -> User:
    return User.objects.create_superuser("ada", "ada@example.org", "x")


def with_token(user: User, scope: Scope, project: Project | None = None) -> User:
    return token_user(token_create(user=user, name="ci", scope=scope, project=project)[1])


@pytest.mark.parametrize(
    ("scope", "role"),
    [(Scope.READ, Role.VIEWER), (Scope.WRITE, Role.EDITOR), (Scope.ADMIN, Role.OWNER)],
)
def test_a_scope_is_the_most_that_a_token_can_do(
    project: Project, other: Project, owner: User, scope: Scope, role: Role
) -> None:
    personal, limited = with_token(owner, scope), with_token(owner, scope, project)
    assert (role_in(personal, project), role_in(personal, other)) == (role, role)
    assert (role_in(limited, project), role_in(limited, other)) == (role, None)
    assert set(visible_projects(personal)) == {project, other}
    assert list(visible_projects(limited)) == [project]


def test_it_never_does_more_than_its_maker_may_now(project: Project, owner: User) -> None:
    token = with_token(owner, Scope.ADMIN, project)
    Membership.objects.update(role=Role.VIEWER)
    assert role_in(token, project) == Role.VIEWER
    assert rights(token, project) == {"view"}


def test_an_administrator_is_one_with_a_whole_token_only(project: Project, admin: User, owner: User) -> None:
    assert is_site_admin(with_token(admin, Scope.ADMIN))
    assert is_staff(with_token(admin, Scope.ADMIN))
    assert role_in(with_token(admin, Scope.ADMIN), project) == Role.OWNER
    lesser = with_token(admin, Scope.WRITE)
    assert not is_site_admin(lesser)
    assert not is_staff(lesser)
    assert (role_in(lesser, project), list(visible_projects(lesser))) == (None, [])
    Membership.objects.create(user=admin, project=project, role=Role.OWNER)
    limited = with_token(admin, Scope.ADMIN, project)
    assert not is_site_admin(limited)
    assert role_in(limited, project) == Role.OWNER
    assert list(visible_projects(limited)) == [project]


def test_tokens_of_one_person_are_told_apart(
    project: Project, other: Project, admin: User, django_assert_num_queries: Any
) -> None:
    Membership.objects.create(user=admin, project=project, role=Role.EDITOR)
    whole, reads = with_token(admin, Scope.ADMIN), with_token(admin, Scope.READ)
    inactive = user_create("inge")
    inactive.is_active = False
    pairs = [(user, where.pk) for user in (whole, reads, admin, inactive) for where in (project, other)]
    with django_assert_num_queries(2):
        roles = roles_in(pairs)
    assert roles == [Role.OWNER, Role.OWNER, Role.VIEWER, None, Role.OWNER, Role.OWNER, None, None]
    assert roles_in([]) == []


def test_refusals_name_the_token_if_it_is_to_blame(project: Project, other: Project, owner: User) -> None:
    reads = with_token(owner, Scope.READ)
    assert reads.grant is not None
    with pytest.raises(Forbidden, match=rf"{reads.grant.prefix}… has the scope read; .* the scope write\."):
        require(reads, "launch", project)
    with pytest.raises(NotFound):
        require(with_token(owner, Scope.ADMIN, project), "view", other)
    whole = with_token(owner, Scope.ADMIN)
    Membership.objects.update(role=Role.VIEWER)
    with pytest.raises(Forbidden, match="As viewer of Vision"):
        require(whole, "launch", project)


def test_what_takes_a_whole_token(project: Project, owner: User) -> None:
    for user in (owner, with_token(owner, Scope.ADMIN)):
        require_whole(user, "fly")
    for user in (with_token(owner, Scope.WRITE), with_token(owner, Scope.ADMIN, project)):
        require_write(user)
        with pytest.raises(Forbidden, match="to fly takes a personal one with the scope admin"):
            require_whole(user, "fly")
    with pytest.raises(Forbidden, match="may only read"):
        require_write(with_token(owner, Scope.READ))
