"""What a backend has installed, before a job adds anything."""

from django.conf import settings

from runners.models import Allocation

NAMES = ("ray", "torch")


def installed(backend: str) -> dict[str, str]:
    """Versions of Ray and PyTorch: as configured, else as workers told last; without those that nobody has told."""
    configured: dict[str, str] = settings.BACKENDS[backend].get("packages", {})
    if configured:
        return configured
    # Workers of code with requirements tell what Ray has installed for them.
    plain = Allocation.objects.filter(backend=backend, requirements=[]).exclude(environment={})
    told = plain.order_by("-created_at").values(*(f"environment__{name}" for name in NAMES)).first() or {}
    return {name: version for name in NAMES if (version := told.get(f"environment__{name}"))}
