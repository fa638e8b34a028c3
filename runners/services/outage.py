"""Was it us who were away? Asked before anybody is blamed for having been silent."""

import httpx
from django.conf import settings
from django.core.cache import cache

from mlplatform.kernel import clock

KEY = "runners.last-pass"
# A lease less the heartbeat's period less the workers' longest pause between two tries; passes come every two seconds.
LATE_SECONDS = 6.0
TIMEOUT = httpx.Timeout(3)


def pass_was_late() -> bool:
    """Note this pass; True if the one before it is long ago or unknown: we were stopped, or the machine slept.

    Ask when the database has answered. From answer to answer there is nothing in a pass that may take long, so what
    does is an outage, wherever in a pass it happens.
    """
    now = clock.now().timestamp()
    last = cache.get(KEY)
    cache.set(KEY, now, timeout=None)
    return last is None or now - last > LATE_SECONDS


def portal_was_away() -> bool:
    """Whether the web process does not answer where workers reach it, or has been up for a short while only."""
    try:
        answer = httpx.get(f"{settings.HARNESS_URL}/healthz", timeout=TIMEOUT, trust_env=False)
        return answer.is_error or float(answer.json()["up_seconds"]) < settings.LEASE_SECONDS
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        # No answer, or that of a proxy in between.
        return True
