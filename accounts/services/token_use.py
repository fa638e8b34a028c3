"""Who comes with a token, when it was last used, and from where."""

from datetime import timedelta

from django.db import transaction
from django.db.models import Q

from accounts.models import ApiToken, User
from accounts.services.audit import audit
from accounts.services.tokens import digest
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Unauthenticated

# Writing "last used" on every request would make each read a write.
USED_RESOLUTION = timedelta(minutes=1)
# Addresses of a token that are remembered: one that is not among them is written down in the audit trail.
MAX_ADDRESSES = 50


def token_user(text: str, address: str = "") -> User:
    """The active user whose token this is, with what the token grants. Raises Unauthenticated."""
    return token_use(text, address).user


def token_use(text: str, address: str = "") -> ApiToken:
    """The token of this text, with its active user and what it grants; it counts as used now, from the address.

    Raises Unauthenticated. One query, and two more each minute that it is used or at a new address.
    """
    hashed, now = digest(text), clock.now()
    rows = ApiToken.objects.select_related("user", "membership")
    token = rows.filter(Q(digest=hashed) | Q(old_digest=hashed, old_until__gt=now)).first()
    if token is None or not token.user.is_active:
        raise Unauthenticated("The token is not valid. Create one on the page API tokens.")
    if not token.is_good(hashed, now):
        raise Unauthenticated(
            f"The token {token.prefix}… has expired. Rotate it, or create one, on the page API tokens."
        )
    token.user.grant = token.grant
    is_new = bool(address) and address not in token.used_from
    if is_new or token.last_used_at is None or now - token.last_used_at > USED_RESOLUTION:
        _note(token, address)
    return token


@transaction.atomic
def _note(token: ApiToken, address: str) -> None:
    row = ApiToken.objects.select_for_update().filter(pk=token.pk).first()
    if row is None:
        return
    row.last_used_at = clock.now()
    if address:
        row.last_used_from = address
        if address not in row.used_from:
            row.used_from = [*row.used_from, address][-MAX_ADDRESSES:]
            project = token.membership.project if token.membership else None
            audit(token.user, "token.use", token.prefix, project=project, address=address)
    row.save(update_fields=["last_used_at", "last_used_from", "used_from"])
