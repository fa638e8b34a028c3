"""Tokens that open only the harness endpoints of one allocation, until it has ended.

A token is derived from the allocation's id, so that submitting the same job again hands out the same token and
the database keeps no secret.
"""

from uuid import UUID

from django.utils.crypto import constant_time_compare, salted_hmac

from mlplatform.kernel.errors import Unauthenticated
from runners.models import Allocation
from runners.states import AllocationState

SALT = "runners.allocation-token"


def allocation_token(allocation: Allocation) -> str:
    """The bearer token for the allocation's job."""
    return f"{allocation.id.hex}.{_mac(allocation.id)}"


def allocation_by_token(text: str) -> Allocation:
    """The allocation that a token opens. Raises Unauthenticated for a wrong token or an ended allocation."""
    name, _, mac = text.partition(".")
    try:
        pk = UUID(hex=name)
    except ValueError:
        raise Unauthenticated("This is not an allocation token.") from None
    if not constant_time_compare(mac, _mac(pk)):
        raise Unauthenticated("The allocation token is not valid.")
    # Asked with every request of a job; the list of packages in `environment` is long.
    rows = Allocation.objects.defer("environment").exclude(state=AllocationState.ENDED)
    allocation = rows.filter(pk=pk).first()
    if allocation is None:
        raise Unauthenticated("The allocation has ended, so its token is dead.")
    return allocation


def _mac(pk: UUID) -> str:
    return salted_hmac(SALT, pk.hex, algorithm="sha256").hexdigest()
