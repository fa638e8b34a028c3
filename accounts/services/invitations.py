"""Inviting people by a link: into a project, or to the portal alone.

The link is a secret like an API token: 256 random bits, shown once, kept as a SHA-256 digest.
"""

import logging
import secrets
from datetime import timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.mail import get_connection, send_mail
from django.core.validators import validate_email
from django.db import transaction
from django.template.loader import render_to_string
from django.urls import reverse

from accounts.models import Invitation, Membership, Project, Role, User
from accounts.permissions import includes, is_site_admin, require, require_whole
from accounts.selectors.invitations import invitations_of, invitations_open
from accounts.services.access import access_changed
from accounts.services.audit import audit
from accounts.services.locking import project_locked
from accounts.services.tokens import digest
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict, Forbidden, InvalidInput, NotFound

logger = logging.getLogger(__name__)
INVITE, ACCEPT = "invite people", "accept an invitation"
PREFIX = "inv_"
DEFAULT_DAYS = 7
MAX_DAYS = 90
MAX_USES = 100
MAIL_TIMEOUT_S = 10
# Enough for any team, and too few to fill the page.
MAX_OPEN = 100
GONE = (
    "This invitation is not valid: it has expired, was revoked or has been used. "
    "Ask whoever sent it to you for a new one."
)


@transaction.atomic
def invitation_create(
    *,
    user: User,
    project: Project | None,
    role: str = Role.VIEWER,
    email: str = "",
    days: int = DEFAULT_DAYS,
    max_uses: int = 1,
) -> tuple[Invitation, str]:
    """Invite somebody; return the row and the secret text of the link, which nobody can read again.

    Owners invite into their project, site administrators also to the portal alone (`project` None). Raises Forbidden,
    NotFound, InvalidInput and Conflict.
    """
    if project is None:
        require_admin(user)
    else:
        project = project_locked(project)
        require(user, "manage", project)
        require_whole(user, INVITE)
    _check(role, email, days, max_uses)
    if invitations_of(project).count() >= MAX_OPEN:
        raise Conflict(f"There are {MAX_OPEN} open invitations already; revoke some that nobody will use.")
    text = PREFIX + secrets.token_urlsafe(32)
    invitation = Invitation.objects.create(
        project=project,
        role=role,
        email=email.strip(),
        prefix=text[:12],
        digest=digest(text),
        max_uses=max_uses,
        created_by=user,
        expires_at=clock.now() + timedelta(days=days),
    )
    audit(
        user,
        "invitation.create",
        invitation.prefix,
        project=project,
        role=str(role),
        email=invitation.email,
        uses=max_uses,
    )
    return invitation, text


def invitation_link(text: str) -> str:
    """The address that is given to people."""
    return f"{settings.PORTAL_URL}{reverse('invitation', args=[text])}"


def invitation_send(*, invitation: Invitation, text: str) -> bool:
    """Send the link to the address of the invitation; False if that is not possible, for whatever reason.

    Talks to the mail server, so call it outside of transactions.
    """
    if not invitation.email or not has_mail_server():
        return False
    where = invitation.project.name if invitation.project else "mlplatform"
    context = {"invitation": invitation, "where": where, "link": invitation_link(text)}
    try:
        sent = send_mail(
            f"Invitation to {where}".replace("\n", " "),
            render_to_string("accounts/mail/invitation.txt", context),
            None,
            [invitation.email],
            connection=get_connection(timeout=MAIL_TIMEOUT_S),
        )
    except (OSError, SMTPException):
        logger.exception("the invitation %s could not be sent; its link is shown instead", invitation.prefix)
        return False
    return sent == 1


def has_mail_server() -> bool:
    """Whether mail reaches anybody; without a server it only goes to the log."""
    return ".console." not in settings.EMAIL_BACKEND and ".dummy." not in settings.EMAIL_BACKEND


def invitation_open(text: str) -> Invitation:
    """The invitation of this text, if it lets somebody in now. Raises NotFound. One query."""
    found = invitations_open().filter(digest=digest(text)).select_related("project", "created_by").first()
    if found is None:
        raise NotFound(GONE)
    return found


@transaction.atomic
def invitation_accept(*, user: User, text: str) -> Invitation:
    """Come in; whoever has the role already, or more, uses nothing up. Raises NotFound, Forbidden."""
    require_whole(user, ACCEPT)
    invitation = invitation_open(text)
    if invitation.project is not None:
        project_locked(invitation.project)
    # Somebody else may have used it up while we waited.
    Invitation.objects.select_for_update(no_key=True).get(pk=invitation.pk)
    invitation = invitation_open(text)
    if invitation.project is not None and not _join(user, invitation.project, Role(invitation.role)):
        return invitation
    invitation.uses += 1
    invitation.accepted_by, invitation.accepted_at = user, clock.now()
    invitation.save(update_fields=["uses", "accepted_by", "accepted_at"])
    audit(user, "invitation.accept", invitation.prefix, project=invitation.project, role=str(invitation.role))
    access_changed()
    return invitation


@transaction.atomic
def invitation_revoke(*, user: User, project: Project | None, invitation_id: int) -> None:
    """Let nobody in by it any more. Raises NotFound for one of another project."""
    if project is None:
        require_admin(user)
    else:
        require(user, "manage", project)
        require_whole(user, INVITE)
    found = Invitation.objects.filter(project=project, pk=invitation_id, revoked_at=None)
    invitation = found.select_for_update(no_key=True).first()
    if invitation is None:
        raise NotFound(
            f"There is no open invitation {invitation_id}; somebody may have revoked it before you."
        )
    invitation.revoked_at = clock.now()
    invitation.save(update_fields=["revoked_at"])
    audit(user, "invitation.revoke", invitation.prefix, project=project)


def _join(user: User, project: Project, role: Role) -> bool:
    membership, is_new = Membership.objects.get_or_create(project=project, user=user, defaults={"role": role})
    if is_new:
        return True
    if includes(Role(membership.role), role):
        return False
    membership.role = role
    membership.save(update_fields=["role"])
    return True


def require_admin(user: User) -> None:
    """Raise Forbidden for anybody but a site administrator."""
    if not is_site_admin(user):
        raise Forbidden(
            "Only site administrators invite people to the portal alone; invite them into a project instead."
        )


def _check(role: str, email: str, days: int, max_uses: int) -> None:
    if role not in Role.values:
        raise InvalidInput(f"{role!r} is no role; choose from {', '.join(Role.values)}.", field="role")
    if not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"{days} days cannot be; 1 to {MAX_DAYS} can.", field="days")
    if not 1 <= max_uses <= MAX_USES:
        raise InvalidInput(f"{max_uses} people cannot be; 1 to {MAX_USES} can.", field="max_uses")
    if not email.strip():
        return
    if max_uses != 1:
        raise InvalidInput("An invitation to one address is for one person.", field="max_uses")
    try:
        validate_email(email.strip())
    except ValidationError:
        raise InvalidInput(
            f"{email.strip()!r} is no e-mail address; leave it empty to get a link only.", field="email"
        ) from None
