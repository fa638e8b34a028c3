"""What people change about themselves."""

from django.db import transaction

from accounts.models import AuditEvent, User
from accounts.permissions import require_whole
from accounts.services.audit import audit
from mlplatform.kernel import locks
from mlplatform.kernel.errors import InvalidInput

NAME_LIMIT = 150


@transaction.atomic
def first_account(*, username: str, password: str, is_admin: bool) -> bool:
    """Make an account of a fresh portal, once: not again after somebody has removed it. Whether it was made."""
    locks.hold("first accounts")
    was_made = AuditEvent.objects.filter(verb="user.bootstrap", target=username).exists()
    if was_made or User.objects.filter(username=username).exists():
        return False
    user = User.objects.create_user(
        username, f"{username}@localhost", password, is_staff=is_admin, is_superuser=is_admin
    )
    audit(None, "user.bootstrap", user.username, is_admin=is_admin)
    return True


@transaction.atomic
def person_rename(*, user: User, name: str) -> User:
    """How others read the person's name; empty for the user name alone."""
    require_whole(user, "change your name")
    name = name.strip()
    if len(name) > NAME_LIMIT:
        raise InvalidInput(f"The name has {len(name)} characters; at most {NAME_LIMIT} fit.", field="name")
    if name != user.get_full_name():
        user.first_name, user.last_name = name, ""
        user.save(update_fields=["first_name", "last_name"])
        audit(user, "user.rename", user.username)
    return user
