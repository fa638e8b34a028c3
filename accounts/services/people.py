"""What people change about themselves."""

from django.db import transaction

from accounts.models import User
from accounts.permissions import require_whole
from accounts.services.audit import audit
from mlplatform.kernel.errors import InvalidInput

NAME_LIMIT = 150


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
