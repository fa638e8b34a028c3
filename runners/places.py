"""What pages watch besides rows."""

from uuid import UUID

# Kind and id of the lines for the backends. Everybody who has signed in may know that something is different there.
QUEUE = ("queue", UUID(int=0))
