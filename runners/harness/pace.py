"""How often, and how patiently, the uploader works."""

import random
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """All in seconds."""

    interval_s: float = 0.5
    heartbeat_s: float = 3.0
    first_retry_s: float = 0.25
    # Short against a lease: after an outage the portal must hear of us before it gives the run to somebody else.
    max_retry_s: float = 2.0
    flush_s: float = 600.0


class Retry:
    """When the portal may be asked again."""

    def __init__(self, pace: Pace) -> None:
        self.at = 0.0
        self._wait_s = 0.0
        self._pace = pace

    def answered(self) -> None:
        """It is there."""
        self.at = self._wait_s = 0.0

    def back_off(self, at_least_s: float = 0.0) -> None:
        """Wait longer each time, and no shorter than the portal asks for, unless that would cost the lease."""
        self._wait_s = min(self._pace.max_retry_s, self._wait_s * 2 or self._pace.first_retry_s)
        wait_s = self._wait_s * random.uniform(0.5, 1.0)  # noqa: S311  # jitter
        self.at = time.monotonic() + max(wait_s, min(at_least_s, self._pace.max_retry_s))
