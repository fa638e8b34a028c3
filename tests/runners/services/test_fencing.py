"""Random histories of leases: who was fenced once never gets anything again, and a subject has one holder."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.db import IntegrityError, transaction
from django.utils import timezone
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from mlplatform.kernel import clock
from runners.models import Allocation, Lease
from runners.services import leases, outage
from runners.services.allocations import allocation_drain, allocation_end
from runners.states import LIVE

PICK = st.integers(0, 5)
SUBJECTS = [uuid4() for _ in range(3)]


@dataclass
class Held:
    """A lease as its holder remembers it, and whether it is still theirs by the rules."""

    fence: int
    allocation: UUID
    group: str
    subject: UUID
    granted: Any
    expires: Any
    active: bool = True


class Leases(RuleBasedStateMachine):
    """Two allocations and their worker groups, three subjects."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        super().__init__()
        self.now = timezone.now()
        patch.setattr(timezone, "now", lambda: self.now)
        self.held: list[Held] = []
        self.attempts = dict.fromkeys(SUBJECTS, 0)
        self.joined: dict[UUID, list[str]] = defaultdict(list)
        self.away = False
        patch.setattr(leases, "portal_was_away", lambda: self.away)
        self.history = transaction.atomic()
        self.history.__enter__()

    def teardown(self) -> None:
        transaction.set_rollback(True)
        self.history.__exit__(None, None, None)

    @initialize()
    def two_allocations(self) -> None:
        fields = {"backend": "local", "workers": 1, "cpus_per_worker": 1, "gpus_per_worker": 0}
        self.pks = [
            Allocation.objects.create(owner_id=uuid4(), state="running", package_key="x", **fields).pk
            for _ in range(2)
        ]

    def allocation(self, pick: int) -> Allocation:
        return Allocation.objects.get(pk=self.pks[pick % 2])

    def active(self) -> list[Held]:
        return [one for one in self.held if one.active]

    def lose(self, *, allocation: UUID, group: str = "", before: Any = None) -> None:
        """The model's own book: what of an allocation ends, but for a group's and for what is younger."""
        for one in self.active():
            spared = one.group == group or (before is not None and one.granted >= before)
            one.active = one.active and not (one.allocation == allocation and not spared)

    @rule(pick=PICK)
    def a_group_joins(self, pick: int) -> None:
        allocation, group = self.allocation(pick), uuid4().hex
        leases.group_join(allocation, group)
        self.lose(allocation=allocation.pk, group=group)
        leases.group_join(allocation, group)
        assert Allocation.objects.get(pk=allocation.pk).group_id == group
        replaced = self.joined[allocation.pk]
        if replaced:
            with pytest.raises(leases.Fenced):
                leases.group_join(self.allocation(pick), replaced[pick % len(replaced)])
        replaced.append(group)

    @rule(pick=PICK, subject=st.sampled_from(SUBJECTS))
    def grant(self, pick: int, subject: UUID) -> None:
        """The database refuses a second holder, whatever the code believes."""
        allocation = self.allocation(pick)
        if allocation.state not in LIVE:
            return
        taken = any(one.subject == subject for one in self.active())
        number = self.attempts[subject] + 1
        try:
            with transaction.atomic():
                lease = leases.lease_grant(allocation, subject_id=subject, attempt=number)
        except IntegrityError:
            assert taken
            return
        assert not taken
        assert all(one.fence < lease.pk for one in self.held), "fences only grow"
        self.attempts[subject] = number
        known = (lease.pk, allocation.pk, allocation.group_id, subject, lease.created_at, lease.expires_at)
        self.held.append(Held(*known))

    @precondition(lambda self: self.held)
    @rule(pick=st.integers(0, 30), wrong=st.sampled_from(["", "", "subject", "attempt", "allocation"]))
    def renew(self, pick: int, wrong: str) -> None:
        one = self.held[pick % len(self.held)]
        row = Lease.objects.get(pk=one.fence)
        other = self.pks[(self.pks.index(one.allocation) + 1) % 2]
        renewed = leases.lease_renew(
            Allocation.objects.get(pk=other if wrong == "allocation" else one.allocation),
            one.fence,
            subject_id=uuid4() if wrong == "subject" else one.subject,
            attempt=row.attempt + (wrong == "attempt"),
        )
        assert renewed is (one.active and not wrong)
        if renewed:
            one.expires = self.now + timedelta(seconds=django_settings.LEASE_SECONDS)

    @precondition(lambda self: self.held)
    @rule(pick=st.integers(0, 30))
    def release(self, pick: int) -> None:
        one = self.held[pick % len(self.held)]
        assert leases.lease_release(one.fence, "completed") is one.active
        one.active = False

    @rule(pick=PICK, age=st.sampled_from([0, 0, 5, 30]))
    def a_group_is_reported_dead(self, pick: int, age: int) -> None:
        self.now += timedelta(seconds=0.1)
        died_at = self.now - timedelta(seconds=age)
        before = len(self.active())
        self.lose(allocation=self.pks[pick % 2], group="nobody's", before=died_at)
        ended = leases.group_died(self.allocation(pick), code="node_lost", detail="", died_at=died_at)
        assert ended == before - len(self.active())

    @rule(pick=PICK)
    def an_allocation_ends(self, pick: int) -> None:
        allocation = self.allocation(pick)
        if pick < 5:
            allocation_drain(allocation)
            return
        was = allocation.state
        self.lose(allocation=allocation.pk, group="nobody's")
        assert allocation_end(allocation, "failed") is (was != "ended")

    @rule(
        seconds=st.sampled_from([1, 5, 20]), tick=st.sampled_from(["well", "well", "late", "the web is away"])
    )
    def time_passes(self, seconds: int, tick: str) -> None:
        self.now += timedelta(seconds=seconds)
        cache.set(outage.KEY, self.now.timestamp() - (100 if tick == "late" else 1))
        self.away = tick == "the web is away"
        leases.leases_release_expired()
        for one in self.active():
            if one.expires < self.now:
                one.active = tick != "well"
                one.expires = self.now + timedelta(seconds=django_settings.LEASE_SECONDS)

    @invariant()
    def the_database_agrees(self) -> None:
        rows = {row.pk: row for row in Lease.objects.select_related("allocation")}
        assert sorted(rows) == [one.fence for one in self.held]
        for one in self.held:
            row = rows[one.fence]
            assert (row.released_at is None) is one.active
            assert bool(row.release_reason) is not one.active
            assert not one.active or row.expires_at == one.expires
            assert not one.active or row.allocation.state != "ended"
        subjects = [one.subject for one in self.active()]
        assert len(subjects) == len(set(subjects))
        assert clock.now() == self.now


@pytest.mark.django_db
def test_leases_fence(monkeypatch: pytest.MonkeyPatch) -> None:
    limits = settings(
        max_examples=settings().max_examples // 2,
        stateful_step_count=30,
        suppress_health_check=list(HealthCheck),
    )
    # Any factory will do.
    run_state_machine_as_test(lambda: Leases(monkeypatch), settings=limits)  # type: ignore[arg-type]
