"""The administration: every list opens, and what services own cannot be edited there."""

import pytest
from django.contrib import admin
from django.db.models import Model
from django.test import Client

from accounts.models import ApiToken, AuditEvent, Invitation, Project, ProjectDeletion, User
from accounts.services.tokens import token_create
from experiments.models import Bundle, Experiment, ModelVersion, Run, TrackingSync
from runners.models import Allocation, Lease, UsageSlice

MODELS = [
    User,
    Project,
    ApiToken,
    AuditEvent,
    Invitation,
    ProjectDeletion,
    Experiment,
    Run,
    Bundle,
    ModelVersion,
    TrackingSync,
    Allocation,
    Lease,
]
READ_ONLY = [
    AuditEvent,
    ProjectDeletion,
    Experiment,
    Run,
    Bundle,
    ModelVersion,
    TrackingSync,
    Allocation,
    Lease,
    UsageSlice,
]


def path(model: type[Model], action: str = "") -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/{action}"


@pytest.fixture
def root(client: Client, leased: object) -> Client:
    """An administrator, with a row of most things."""
    user = User.objects.create_superuser("root", "root@example.org")
    token_create(user=user, name="script")
    client.force_login(user)
    return client


@pytest.mark.parametrize("model", MODELS)
def test_list_and_search(root: Client, model: type[Model]) -> None:
    assert root.get(path(model)).status_code == 200
    assert root.get(path(model), {"q": "x"}).status_code == 200


@pytest.mark.parametrize("model", [*READ_ONLY, Project, ApiToken])
def test_nothing_is_added_by_hand(root: Client, model: type[Model]) -> None:
    assert root.get(path(model, "add/")).status_code == 403


@pytest.mark.parametrize("model", READ_ONLY)
def test_services_own_the_rows(root: Client, model: type[Model]) -> None:
    row = model._default_manager.first()
    if row is not None:
        assert root.get(path(model, f"{row.pk}/change/")).status_code == 200
        assert root.post(path(model, f"{row.pk}/change/"), {}).status_code == 403
        assert root.post(path(model, f"{row.pk}/delete/"), {"post": "yes"}).status_code == 403


def test_digest_of_a_token_is_not_shown(root: Client) -> None:
    token = ApiToken.objects.get()
    assert token.digest not in root.get(path(ApiToken, f"{token.pk}/change/")).content.decode()


def test_members_of_staff_only(client: Client, owner: User) -> None:
    client.force_login(owner)
    assert client.get("/admin/").status_code == 302


def test_every_list_can_be_searched() -> None:
    assert all(admin.site.get_model_admin(model).search_fields for model in MODELS)
