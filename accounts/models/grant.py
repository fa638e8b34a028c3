"""What a token allows."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import models


class Scope(models.TextChoices):
    """How much of its maker's rights a token has; each scope includes the ones before it."""

    READ = "read", "Read"
    WRITE = "write", "Read and write"
    ADMIN = "admin", "Everything"


@dataclass(frozen=True)
class Grant:
    """What somebody who came with a token may do at most, whatever their own rights: see `accounts.permissions`."""

    scope: Scope
    prefix: str
    # The only project that it opens.
    project_id: UUID | None = None
    expires_at: datetime | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it takes nothing away: it stands for the whole account."""
        return self.project_id is None and self.scope == Scope.ADMIN
