"""Was it us who were away? Asked before anybody is blamed for having been silent."""

import httpx
from django.conf import settings
from django.core.cache import cache

from mlplatform.kernel import clock

KEY = "runners.last-tick"
LATE_SECONDS = 15.0
TIMEOUT = httpx.Timeout(3)


def tick_was_late() -> bool:
    """Note this tick; True if the one before it is long ago or unknown: we were stopped, or the machine slept."""
    now = clock.now().timestamp()
    last = cache.get(KEY)
    cache.set(KEY, now, timeout=None)
    return last is None or now - last > LATE_SECONDS


def portal_answers() -> bool:
    """Whether the web process answers at the address that workers use."""
    try:
        return httpx.get(f"{settings.HARNESS_URL}/healthz", timeout=TIMEOUT, trust_env=False).is_success
    except httpx.HTTPError:
        return False
