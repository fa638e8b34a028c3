"""People who sign in."""

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models.functions import Lower

from accounts.models.grant import Grant


class User(AbstractUser):
    """A person who signs in. E-mail addresses are unique whatever their case."""

    email = models.EmailField("e-mail address")
    # Made an administrator by a group of the identity provider, which can also take it back.
    admin_by_group = models.BooleanField(default=False, editable=False)

    # Not in the database: what the token allows that this request came with, None without one.
    grant: Grant | None = None

    class Meta(AbstractUser.Meta):
        constraints = (
            models.UniqueConstraint(Lower("email"), condition=~models.Q(email=""), name="user_email_unique"),
        )
