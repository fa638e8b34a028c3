"""Who is in a project, and as what. One change at a time per project, so that an owner is always left."""

from django.db import transaction
from django.db.models import Q

from accounts.models import Membership, Project, Role, User
from accounts.permissions import require, require_whole
from accounts.services.access import access_changed
from accounts.services.audit import audit
from accounts.services.locking import project_locked
from mlplatform.kernel.errors import Conflict, InvalidInput, NotFound

# What it takes a whole account for: whoever is let in by a leaked token would stay when the token is revoked.
PEOPLE = "change who is in a project"
LAST_OWNER = (
    "{name} is the last owner of {project}, and a project needs one. "
    "Make somebody else owner first, or delete the project."
)


@transaction.atomic
def member_add(*, user: User, project: Project, name: str, role: str) -> Membership:
    """Let in whoever has this user name or e-mail address. Raises InvalidInput, and Conflict if in already."""
    project = project_locked(project)
    require(user, "manage", project)
    require_whole(user, PEOPLE)
    person = _person(name)
    membership, is_new = Membership.objects.get_or_create(
        project=project, user=person, defaults={"role": _role(role)}
    )
    if not is_new:
        raise Conflict(
            f"{person.username} is {membership.role} of {project.name} already; change the role instead.",
            field="name",
        )
    audit(user, "member.add", person.username, project=project, role=str(role))
    access_changed()
    return membership


@transaction.atomic
def member_change(*, user: User, project: Project, username: str, role: str) -> Membership:
    """Give a member another role. Raises NotFound, and Conflict for the last owner."""
    project = project_locked(project)
    require(user, "manage", project)
    require_whole(user, PEOPLE)
    membership = _membership(project, username)
    before, after = membership.role, _role(role)
    if before == after:
        return membership
    if before == Role.OWNER:
        _keep_an_owner(membership)
    membership.role = after
    membership.save(update_fields=["role"])
    audit(user, "member.change", username, project=project, before=before, role=str(after))
    access_changed()
    return membership


@transaction.atomic
def member_remove(*, user: User, project: Project, username: str) -> None:
    """Put a member out, or leave oneself, which needs no right. Raises NotFound, and Conflict for the last owner."""
    project = project_locked(project)
    require(user, "view" if username == user.username else "manage", project)
    require_whole(user, PEOPLE)
    membership = _membership(project, username)
    _keep_an_owner(membership)
    membership.delete()
    _no_longer_theirs(project, membership.user)
    verb = "member.leave" if username == user.username else "member.remove"
    audit(user, verb, username, project=project, role=membership.role)
    access_changed()


@transaction.atomic
def project_transfer(*, user: User, project: Project, username: str) -> Membership:
    """Make another member owner, and step down to editor oneself. Raises NotFound, and Conflict for oneself."""
    project = project_locked(project)
    require(user, "manage", project)
    require_whole(user, PEOPLE)
    if username == user.username:
        raise Conflict("You cannot hand a project over to yourself; choose another member.", field="username")
    heir = _membership(project, username)
    if not heir.user.is_active:
        raise Conflict(
            f"The account of {username} is not active; choose somebody who can sign in.", field="username"
        )
    Membership.objects.filter(pk=heir.pk).update(role=Role.OWNER)
    Membership.objects.filter(project=project, user=user).update(role=Role.EDITOR)
    _no_longer_theirs(project, user)
    audit(user, "project.transfer", project.slug, project=project, to=username)
    access_changed()
    heir.role = Role.OWNER
    return heir


def _person(name: str) -> User:
    name = name.strip()
    # A user name may look like somebody else's address; it counts first, as at the sign-in.
    found = User.objects.filter(username=name, is_active=True).first()
    if found is None and name:
        found = User.objects.filter(~Q(email=""), email__iexact=name, is_active=True).first()
    if found is None:
        raise InvalidInput(
            f"Nobody here has the user name or e-mail address {name!r}. Invite them by a link instead.",
            field="name",
        )
    return found


def _membership(project: Project, username: str) -> Membership:
    found = project.memberships.select_related("user").filter(user__username=username).first()
    if found is None:
        raise NotFound(f"{username} is not a member of {project.name}; somebody may have been faster.")
    return found


def _role(role: str) -> Role:
    if role not in Role.values:
        raise InvalidInput(f"{role!r} is no role; choose from {', '.join(Role.values)}.", field="role")
    return Role(role)


def _keep_an_owner(leaving: Membership) -> None:
    """Before an owner goes. Whoever cannot sign in looks after nothing."""
    if leaving.role != Role.OWNER:
        return
    owners = Membership.objects.filter(project=leaving.project, role=Role.OWNER, user__is_active=True)
    if not owners.exclude(pk=leaving.pk).exists():
        raise Conflict(LAST_OWNER.format(name=leaving.user.username, project=leaving.project.name))


def _no_longer_theirs(project: Project, person: User) -> None:
    Project.objects.filter(pk=project.pk, personal_of=person).update(personal_of=None)
