"""What the supervisor tells the world: a file that `status`, the demo and tests read."""

import json
import os
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from mlplatform.embedded import processes
from mlplatform.embedded.home import Home, write_private
from mlplatform.embedded.processes import Process


class Health(StrEnum):
    """Where a service is on its way."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    SILENT = "not answering"
    RESTARTING = "restarting"
    DONE = "done"
    STOPPING = "stopping"
    STOPPED = "stopped"

    @property
    def is_well(self) -> bool:
        """Whether those that come after it may start."""
        return self in (Health.READY, Health.DONE)


@dataclass
class ServiceState:
    """One row of the status table."""

    name: str
    address: str = ""
    health: Health = Health.WAITING
    pid: int | None = None
    restarts: int = 0
    memory: int = 0
    note: str = ""
    # pid, start time and session of the whole family: what it takes to end it if the supervisor was killed.
    members: list[tuple[int, int, int]] = field(default_factory=list)

    def remember(self, family: set[Process]) -> None:
        self.members = [(process.pid, process.started, process.session) for process in family]


@dataclass
class StackState:
    """The whole stack as of now."""

    home: str
    portal_url: str
    # Whether people make accounts by themselves.
    signup_open: bool = True
    pid: int = field(default_factory=os.getpid)
    boot: str = field(default_factory=processes.boot)
    services: dict[str, ServiceState] = field(default_factory=dict)

    @property
    def is_ready(self) -> bool:
        """Everything runs and answers."""
        return bool(self.services) and all(service.health.is_well for service in self.services.values())

    def is_well(self, *names: str) -> bool:
        return all(name in self.services and self.services[name].health.is_well for name in names)

    def write(self, home: Home) -> None:
        write_private(home.state_file, json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, home: Home) -> "StackState | None":
        """The state of the stack that runs in this home, if one does."""
        state = cls.last(home)
        return state if state and home.is_running() and home.owner().get("pid") == state.pid else None

    @classmethod
    def last(cls, home: Home) -> "StackState | None":
        """The last state written, by whomever; nothing if there is none that makes sense."""
        try:
            raw: dict[str, Any] = json.loads(home.state_file.read_text())
            rows = {name: _service(row) for name, row in raw["services"].items()}
            return cls(raw["home"], raw["portal_url"], raw["signup_open"], raw["pid"], raw["boot"], rows)
        except (OSError, ValueError, KeyError, TypeError):
            return None


def leftovers(home: Home) -> set[Process]:
    """Processes that the last supervisor of this home started and could not end."""
    state = StackState.last(home)
    if state is None or state.boot != processes.boot():
        return set()
    recorded = {Process(*member) for row in state.services.values() for member in row.members}
    return processes.survivors(recorded)


def _service(row: dict[str, Any]) -> ServiceState:
    members = [(pid, started, session) for pid, started, session in row["members"]]
    return ServiceState(**{**row, "health": Health(row["health"]), "members": members})
