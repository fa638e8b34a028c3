"""The audit trail grows and nothing else, and what goes past that is found."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEvent, Project, User
from accounts.services import audit_chain
from accounts.services.audit import audit
from accounts.services.audit_chain import ChainBroken, Link, chain_verify, link_from
from mlplatform.kernel.errors import InvalidInput
from tests.fixtures import user_create

pytestmark = pytest.mark.django_db(transaction=True)
GROWS = "The audit trail only grows"


def write(count: int = 5) -> None:
    for number in range(count):
        audit(None, "test.write", number, words="grüße", numbers=[1.5e-7, 10**18, None, True])


def force(sql: str) -> None:
    """As somebody who can do everything in the database."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(sql)


@pytest.mark.parametrize(
    "change",
    [
        lambda: AuditEvent.objects.update(verb="other"),
        lambda: AuditEvent.objects.update(digest="0" * 64),
        lambda: AuditEvent.objects.update(position=None),
        lambda: AuditEvent.objects.all().delete(),
    ],
)
def test_no_row_is_changed_or_deleted(change: Callable[[], object]) -> None:
    write(1)
    with pytest.raises(DatabaseError, match=GROWS):
        change()


def test_nor_before_its_transaction_ends() -> None:
    with transaction.atomic():
        write(1)
        with pytest.raises(DatabaseError, match=GROWS), transaction.atomic():
            AuditEvent.objects.update(detail={})


def test_a_row_outlives_whom_and_what_it_is_about() -> None:
    person = user_create("ada")
    project = Project.objects.create(slug="gone", name="Gone", created_by=user_create("owner"))
    audit(person, "test.write", "x", project=project)
    kept = (person.pk, project.pk)
    project.delete()
    person.delete()
    row = AuditEvent.objects.select_related("actor", "project").get(verb="test.write")
    assert (row.actor_id, row.project_id) == kept
    assert (row.actor_name, row.project_slug, str(row)) == ("ada", "gone", "ada test.write x")
    assert row.actor is None
    chain_verify()


def test_a_chain_that_nobody_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    assert chain_verify() == Link()
    write(7)
    monkeypatch.setattr(audit_chain, "BATCH", re.sub(r"LIMIT \d+", "LIMIT 3", audit_chain.BATCH))
    last = chain_verify()
    assert last.position == 7
    write(1)
    assert chain_verify(expected=link_from(str(last))).position == 8


def test_what_is_rolled_back_leaves_no_gap() -> None:
    write(1)
    with transaction.atomic():
        write(1)
        transaction.set_rollback(True)
    write(1)
    assert chain_verify().position == 2
    assert list(AuditEvent.objects.order_by("id").values_list("position", flat=True)) == [1, 2]


@pytest.mark.parametrize(
    "column", ["verb = 'x'", "detail = '{}'", "at = at + interval '1 us'", "actor_id = 1", "address = '::1'"]
)
def test_a_changed_row_is_named(column: str) -> None:
    write()
    force(f"UPDATE accounts_auditevent SET {column} WHERE position = 3")
    with pytest.raises(ChainBroken, match=r"Row 3 .* was changed"):
        chain_verify()


def test_a_missing_row_is_named() -> None:
    write()
    force("DELETE FROM accounts_auditevent WHERE position IN (2, 3)")
    with pytest.raises(ChainBroken, match="Row 2 to 3 of the trail is missing"):
        chain_verify()


def test_a_row_that_was_put_in_is_named() -> None:
    write()
    force(
        "INSERT INTO accounts_auditevent (at, actor_name, project_slug, verb, target, address, detail, digest) "
        "VALUES (now(), '', '', 'x', 'x', '', '{}', '')"
    )
    with pytest.raises(ChainBroken, match=r"id \d+ has no place"):
        chain_verify()


def test_a_place_in_the_chain_is_not_for_the_asking() -> None:
    write(2)
    AuditEvent.objects.create(verb="x", target="x", position=9, digest="0" * 64)
    assert chain_verify().position == 3


def test_an_end_that_was_cut_off_and_a_chain_written_anew_are_found_by_what_was_kept() -> None:
    write()
    kept = chain_verify()
    force("DELETE FROM accounts_auditevent WHERE position > 3")
    chain_verify()
    with pytest.raises(ChainBroken, match=r"Row 4 to 5 .* cut off"):
        chain_verify(expected=kept)
    write(2)
    chain_verify()
    with pytest.raises(ChainBroken, match=r"Row 5 .* written anew"):
        chain_verify(expected=kept)


def test_many_at_once_make_one_chain_and_wait_for_nothing_while_they_have_it(project: Project) -> None:
    """Some make rows whose foreign keys are checked with the commit, against a row that the others hold until then."""

    def joining(name: str) -> None:
        with transaction.atomic():
            write(2)
            project.memberships.create(user=User.objects.create(username=name))

    def holding(_: str) -> None:
        with transaction.atomic():
            Project.objects.select_for_update().get(pk=project.pk)
            write(2)

    def work(number: int) -> None:
        try:
            for turn in range(15):
                (joining if number % 2 else holding)(f"{number}-{turn}")
        finally:
            connection.close()

    before = AuditEvent.objects.count()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert chain_verify().position == before + 120


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit")
    assert "empty" in capsys.readouterr().out
    write(2)
    call_command("verify_audit")
    kept = capsys.readouterr().out.split()[-1]
    call_command("verify_audit", expect=kept)
    force("UPDATE accounts_auditevent SET target = 'y' WHERE position = 2")
    with pytest.raises(CommandError, match="Row 2"):
        call_command("verify_audit", expect=kept)


@pytest.mark.parametrize("text", ["", "1", "x:y", f"1:{'0' * 63}", f"-1:{'0' * 64}"])
def test_no_place_in_the_chain(text: str) -> None:
    with pytest.raises(InvalidInput, match="no place"):
        link_from(text)
