"""What there is to know about code before it runs."""

from collections.abc import Sequence

from django.conf import settings

from experiments import requirements
from experiments.models import Bundle
from runners.selectors.installed import installed


def bundle_warnings(bundle: Bundle) -> list[str]:
    """What its author may not expect, in sentences. Launching it is allowed all the same."""
    return requirements.warnings(bundle.requirements, _there(bundle.requirements))


def check_requirements(required: Sequence[str]) -> None:
    """Raise InvalidInput(field="code") for what cannot work on the cluster as it is now."""
    requirements.refuse_another_ray(required, _there(required))


def _there(required: Sequence[str]) -> dict[str, str]:
    return installed(settings.DEFAULT_BACKEND) if required else {}
