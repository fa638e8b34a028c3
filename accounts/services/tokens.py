"""Personal API tokens: random, shown once, kept as a SHA-256 digest."""

import hashlib
import secrets
from datetime import timedelta

from django.db import transaction

from accounts.models import ApiToken, User
from accounts.services.access import access_changed
from accounts.services.audit import audit
from mlplatform.kernel import clock
from mlplatform.kernel.errors import InvalidInput, NotFound, Unauthenticated

PREFIX = "mlp_"
# Writing "last used" on every request would make each read a write.
USED_RESOLUTION = timedelta(minutes=1)


def digest(text: str) -> str:
    """What the database keeps of a token. The token has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def token_create(*, user: User, name: str) -> tuple[ApiToken, str]:
    """Create a token; return its row and the text, which nobody can read again."""
    name = name.strip()
    if not name or len(name) > 100:
        raise InvalidInput(
            "A token needs a name of at most 100 characters, such as the script it is for.", field="name"
        )
    text = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken.objects.create(user=user, name=name, prefix=text[:12], digest=digest(text))
    audit(user, "token.create", token.prefix)
    return token, text


@transaction.atomic
def token_revoke(*, user: User, token_id: int) -> None:
    """Delete one of the user's own tokens. Raises NotFound for any other."""
    token = ApiToken.objects.filter(user=user, pk=token_id).first()
    if token is None:
        raise NotFound(f"You have no token {token_id}.")
    audit(user, "token.revoke", token.prefix)
    token.delete()
    access_changed()


@transaction.atomic
def token_end(*, text: str) -> None:
    """Delete the token of this text. Raises Unauthenticated if there is none."""
    token = ApiToken.objects.select_related("user").filter(digest=digest(text)).first()
    if token is None:
        raise Unauthenticated("The token is not valid.")
    token_revoke(user=token.user, token_id=token.pk)


def token_user(text: str) -> User:
    """The active user whose token this is. Raises Unauthenticated."""
    return token_use(text).user


def token_use(text: str) -> ApiToken:
    """The token of this text, with its active user; it counts as used now. Raises Unauthenticated."""
    token = ApiToken.objects.select_related("user").filter(digest=digest(text)).first()
    if token is None or not token.user.is_active:
        raise Unauthenticated("The token is not valid. Create one on the page API tokens.")
    now = clock.now()
    if token.last_used_at is None or now - token.last_used_at > USED_RESOLUTION:
        ApiToken.objects.filter(pk=token.pk).update(last_used_at=now)
    return token
