"""How long to wait before a child is started again."""

from dataclasses import dataclass


@dataclass
class Backoff:
    """Exponential delays without an end; a child that stayed up for `stable_s` starts over at the first one."""

    first_s: float = 0.5
    limit_s: float = 30.0
    stable_s: float = 60.0
    failures: int = 0

    def delay(self, uptime_s: float) -> float:
        """Seconds to wait after a child that lived for `uptime_s` seconds died."""
        if uptime_s >= self.stable_s:
            self.failures = 0
        # The exponent is bounded too: 2.0 ** 1024 overflows after a night of failures.
        wait = self.first_s * 2.0 ** min(self.failures, 16)
        self.failures += 1
        return min(wait, self.limit_s)
