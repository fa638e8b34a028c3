"""Base of the administration of who may do what."""

from typing import TYPE_CHECKING, Any

from django.http import HttpRequest

from accounts.models import User
from accounts.services.access import access_changed
from mlplatform.http.admin import ModelAdmin

if TYPE_CHECKING:
    from django.contrib.admin.models import LogEntry
    from django.db.models import QuerySet


def caller(request: HttpRequest) -> User:
    """Who administrates; nobody else comes here."""
    assert isinstance(request.user, User)
    return request.user


class AccessAdmin(ModelAdmin):
    """Rows that say who may do what."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> "LogEntry":
        """Also of a password, and of the rows of an inline table."""
        access_changed()
        return super().log_change(request, obj, message)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """One."""
        super().delete_model(request, obj)
        access_changed()

    def delete_queryset(self, request: HttpRequest, queryset: "QuerySet[Any]") -> None:
        """Many at once."""
        super().delete_queryset(request, queryset)
        access_changed()
