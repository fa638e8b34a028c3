"""What may start, besides there being room: plain data between those who grant quotas and the decision.

Scopes are opaque strings. A claim carries those that it counts for: `backend:<name>`, `project:<uuid>`, `user:<pk>`,
and `project-user:<uuid>:<pk>` for what one person has in one project.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID


@dataclass(frozen=True)
class Cap:
    """At most `limit` of `resource` at one time, for all claims with `scope` among their scopes.

    "memory" is in GiB, "jobs" are allocations that hold something. `words` names the scope: "project Vision".
    """

    scope: str
    resource: str
    limit: float
    words: str


@dataclass(frozen=True)
class Gate:
    """Nothing of `scope` may start now.

    `words` are a sentence: "Project Vision has used its 100 CPU-hours of December; more from 1 January."
    """

    scope: str
    words: str


@dataclass(frozen=True)
class Limits:
    """Everything that applies to the claims of one backend."""

    caps: Sequence[Cap] = ()
    gates: Sequence[Gate] = ()


def backend_scope(name: str) -> str:
    """Everything at a backend."""
    return f"backend:{name}"


def project_scope(pk: object) -> str:
    """Everything of a project."""
    return f"project:{pk}"


def user_scope(pk: object) -> str:
    """Everything that a person launched, in whatever project."""
    return f"user:{pk}"


def project_user_scope(project: object, user: object) -> str:
    """What a person launched in one project."""
    return f"project-user:{project}:{user}"


# Asked for each of thousands of rows, but only as many different ones as there are people in projects.
@lru_cache(maxsize=10_000)
def scopes_of(backend: str, project: UUID | None, user: int | None) -> tuple[str, ...]:
    """All that something of this project and person counts for. Without either it counts for the backend alone."""
    found = [backend_scope(backend)]
    if project:
        found.append(project_scope(project))
    if user:
        found.append(user_scope(user))
    if project and user:
        found.append(project_user_scope(project, user))
    return tuple(found)
