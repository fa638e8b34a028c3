"""API tokens: random, shown once, kept as a SHA-256 digest; made, rotated and revoked."""

import hashlib
import secrets
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import ApiToken, Membership, Project, Scope, User
from accounts.permissions import require, require_whole
from accounts.services.access import access_changed
from accounts.services.audit import audit
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound, Unauthenticated

PREFIX = "mlp_"
MAX_NAME = 100
# Of one person.
MAX_TOKENS = 200
DEFAULT_DAYS = 90
MAX_DAYS = 3650
MAX_GRACE = timedelta(days=7)


def digest(text: str) -> str:
    """What the database keeps of a token. The token has 256 random bits, so a plain hash is enough."""
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def token_create(
    *,
    user: User,
    name: str,
    scope: str = Scope.WRITE,
    days: int | None = DEFAULT_DAYS,
    project: Project | None = None,
) -> tuple[ApiToken, str]:
    """Create a token; return its row and the text, which nobody can read again.

    `days` None: it never expires. With `project` it opens that project only, and dies when its maker leaves it.
    Raises Forbidden for who may not, InvalidInput for a value, Conflict for too many.
    """
    require_whole(user, "make a token")
    membership = _membership(user, project) if project else None
    name = name.strip()
    if not name or len(name) > MAX_NAME:
        raise InvalidInput(
            f"A token needs a name of at most {MAX_NAME} characters, such as the script it is for.",
            field="name",
        )
    if scope not in Scope.values:
        raise InvalidInput(
            f"There is no scope {scope[:40]!r}; it is one of {', '.join(Scope.values)}.", field="scope"
        )
    if ApiToken.objects.filter(user=user).count() >= MAX_TOKENS:
        raise Conflict(f"You have {MAX_TOKENS} tokens already; revoke one that is not used any more.")
    text = _text()
    token = ApiToken.objects.create(
        user=user,
        membership=membership,
        name=name,
        scope=scope,
        prefix=text[:12],
        digest=digest(text),
        expires_at=_expiry(days, clock.now()),
    )
    audit(user, "token.create", token.prefix, project=project, name=name, scope=str(scope), days=days)
    return token, text


@transaction.atomic
def token_rotate(
    *, user: User, token_id: int, grace: timedelta = timedelta(0), days: int | None = None
) -> tuple[ApiToken, str]:
    """Give one of the user's own tokens a new text, which is returned; the old one works for the grace, no longer.

    Without `days` it lasts from now on as long as it was made for. Only its maker can: the new text acts as them.
    Raises NotFound for any other, Forbidden for a lesser token, InvalidInput for a value.
    """
    require_whole(user, "rotate a token")
    if not timedelta(0) <= grace <= MAX_GRACE:
        raise InvalidInput(
            f"The old token can work for at most {MAX_GRACE.days} days ({MAX_GRACE.days * 24} hours) more.",
            field="grace_hours",
        )
    token, now, text = _own(user, token_id), clock.now(), _text()
    before = token.prefix
    token.old_digest, token.old_until = None, None
    if grace:
        token.old_digest, token.old_until = token.digest, min(now + grace, token.expires_at or now + grace)
    token.expires_at = _as_long_again(token, now) if days is None else _expiry(days, now)
    token.prefix, token.digest, token.rotated_at = text[:12], digest(text), now
    token.save()
    hours = grace.total_seconds() / 3600
    audit(user, "token.rotate", token.prefix, project=token.project, before=before, grace_hours=hours)
    access_changed()
    return token, text


@transaction.atomic
def token_revoke(*, user: User, token_id: int) -> None:
    """Delete one of the user's own tokens. Raises NotFound for any other, Forbidden for a lesser token."""
    require_whole(user, "revoke a token")
    token_delete(actor=user, token=_own(user, token_id))


@transaction.atomic
def project_token_revoke(*, user: User, project: Project, token_id: int) -> None:
    """Delete a token of the project, whoever made it. Raises Forbidden unless the user manages the project."""
    require(user, "manage", project)
    require_whole(user, "revoke a token")
    token = ApiToken.objects.filter(membership__project=project, pk=token_id).first()
    if token is None:
        raise NotFound(f"{project.name} has no token {token_id}.")
    token_delete(actor=user, token=token)


@transaction.atomic
def token_end(*, text: str) -> None:
    """Delete the token of this text, of whatever scope. Raises Unauthenticated if there is none."""
    token = ApiToken.objects.select_related("user").filter(digest=digest(text)).first()
    if token is None:
        raise Unauthenticated("The token is not valid.")
    token_delete(actor=token.user, token=token)


@transaction.atomic
def token_delete(*, actor: User, token: ApiToken) -> None:
    """Delete it, with all that it has open. Whoever calls it has asked whether the actor may."""
    audit(actor, "token.revoke", token.prefix, project=token.project, name=token.name, of=token.user.username)
    token.delete()
    access_changed()


def _membership(user: User, project: Project) -> Membership:
    require(user, "manage", project)
    found = Membership.objects.filter(user=user, project=project).first()
    if found is None:
        raise Forbidden(
            f"A project's token does what its maker may do as a member, and you are none of {project.name}; "
            "let one of its owners make it, or become one."
        )
    return found


def _own(user: User, token_id: int) -> ApiToken:
    rows = ApiToken.objects.select_for_update(of=("self",)).select_related("user", "membership__project")
    token = rows.filter(user=user, pk=token_id).first()
    if token is None:
        raise NotFound(f"You have no token {token_id}.")
    return token


def _text() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _expiry(days: int | None, now: datetime) -> datetime | None:
    if days is None:
        return None
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(
            f"A token lasts 1 to {MAX_DAYS} days, not {days}; or it never expires.", field="days"
        )
    return now + timedelta(days=days)


def _as_long_again(token: ApiToken, now: datetime) -> datetime | None:
    """When it expires if from now on it lasts as long as it was made for."""
    return token.expires_at and now + (token.expires_at - (token.rotated_at or token.created_at))
