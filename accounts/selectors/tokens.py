"""Reading tokens: one's own, and those of a project."""

from django.db.models import QuerySet

from accounts.models import ApiToken, Project, User
from accounts.permissions import require, require_whole
from mlplatform.kernel.errors import NotFound


def token_list(user: User) -> "QuerySet[ApiToken]":
    """Tokens that the person made, newest first. Raises Forbidden for a token that is not for the whole account."""
    require_whole(user, "see your tokens")
    return _rows().filter(user=user)


def token_get(user: User, token_id: int) -> ApiToken:
    """One of them. Raises NotFound for any other."""
    token = token_list(user).filter(pk=token_id).first()
    if token is None:
        raise NotFound(f"You have no token {token_id}.")
    return token


def project_token_list(user: User, project: Project) -> "QuerySet[ApiToken]":
    """Tokens that open this project only, whoever made them. Raises Forbidden unless the person manages it."""
    require(user, "manage", project)
    return _rows().filter(membership__project=project)


def _rows() -> "QuerySet[ApiToken]":
    return ApiToken.objects.select_related("user", "membership__project").order_by("-created_at", "-pk")
