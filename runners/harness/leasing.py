"""Asks the portal for the next run."""

import random
import time
import uuid
from dataclasses import dataclass
from typing import Any

from .client import PortalAwayError, PortalClient
from .environment import describe_environment, installed_packages


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a portal that is away is waited for, in seconds."""

    total_s: float = 300.0
    first_retry_s: float = 0.5
    max_retry_s: float = 10.0
    max_wait_s: float = 10.0


class Leasing:
    """One worker group's view of the queue. Only rank 0 has one."""

    def __init__(self, client: PortalClient, patience: Patience | None = None) -> None:
        self._client = client
        self._patience = patience or Patience()
        self.group = str(uuid.uuid4())
        # Told once; the portal keeps it for the whole group.
        self._news = {"environment": describe_environment(), "packages": installed_packages()}

    def next_order(self) -> dict[str, Any]:
        """Return {"order": "run" | "wait" | "drain" | "gone" | "unreachable", ...}."""
        deadline = time.monotonic() + self._patience.total_s
        retry_s = self._patience.first_retry_s
        while True:
            try:
                reply = self._client.post("/leases", {"group": self.group, **self._news})
            except PortalAwayError as error:
                if time.monotonic() > deadline:
                    return {"order": "unreachable", "detail": str(error)}
                time.sleep(retry_s * random.uniform(0.5, 1.0))  # noqa: S311  # jitter
                retry_s = min(self._patience.max_retry_s, retry_s * 2)
                continue
            if reply.ok:
                self._news = {}
                return reply.body
            return {"order": "gone" if reply.token_dead else "unreachable", "detail": reply.describe()}

    def wait(self, order: dict[str, Any]) -> None:
        """Sleep for as long as a "wait" order asks."""
        time.sleep(min(self._patience.max_wait_s, max(0.05, float(order.get("wait_s") or 1.0))))
