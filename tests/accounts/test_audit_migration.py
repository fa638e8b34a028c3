"""Rows from before the trail was chained come into the chain, with the names of whom and what they are about."""

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from accounts.models import AuditEvent
from accounts.services.audit_chain import chain_verify


@pytest.mark.django_db(transaction=True)
def test_rows_from_before() -> None:
    before = [("accounts", "0009_kept_mail")]
    executor = MigrationExecutor(connection)
    executor.migrate(before)
    try:
        apps = executor.loader.project_state(before).apps
        user = apps.get_model("accounts", "User").objects.create(username="ada", email="ada@example.org")
        project = apps.get_model("accounts", "Project").objects.create(
            slug="vision", name="Vision", created_by=user
        )
        rows = apps.get_model("accounts", "AuditEvent").objects
        rows.create(actor=user, project=project, verb="project.create", target="vision")
        rows.create(verb="sign_in.failed", target="x", detail={"address": "192.0.2.1"})
    finally:
        executor = MigrationExecutor(connection)
        executor.migrate(executor.loader.graph.leaf_nodes())
    assert chain_verify().position == 2
    told = list(AuditEvent.objects.order_by("position").values_list("actor_name", "project_slug", "address"))
    assert told == [("ada", "vision", ""), ("", "", "192.0.2.1")]
