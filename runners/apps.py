"""App registration."""

from typing import Any

from django.apps import AppConfig


class RunnersConfig(AppConfig):
    """Allocations, leases, the Runner port and its adapters."""

    name = "runners"

    def ready(self) -> None:
        """However a project, a person or an allocation is deleted: what was held is in the ledger first."""
        from django.db.models import Q  # noqa: PLC0415  (apps are not ready before)
        from django.db.models.signals import pre_delete  # noqa: PLC0415

        from accounts.models import Project, User  # noqa: PLC0415
        from runners.models import Allocation  # noqa: PLC0415
        from runners.services.usage import usage_settle  # noqa: PLC0415

        def settle(sender: Any, instance: Any, **options: Any) -> None:
            name = {Project: "project", User: "user", Allocation: "pk"}[sender]
            usage_settle(Q(**{name: instance.pk}))

        for model in (Project, User, Allocation):
            pre_delete.connect(settle, sender=model, weak=False, dispatch_uid=f"usage of {model.__name__}")
