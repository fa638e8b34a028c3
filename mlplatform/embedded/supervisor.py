"""The supervisor: starts the services in order, watches them, starts dead ones again, stops all of them."""

import asyncio
import contextlib
import signal
import time
from collections.abc import Callable, Mapping

from mlplatform.embedded import child as children
from mlplatform.embedded import processes
from mlplatform.embedded.backoff import Backoff
from mlplatform.embedded.child import Child
from mlplatform.embedded.errors import StackError
from mlplatform.embedded.home import Home
from mlplatform.embedded.ports import listen
from mlplatform.embedded.processes import Process
from mlplatform.embedded.services import CODE, PORTS, Service, declare, portal_url
from mlplatform.embedded.state import Health, ServiceState, StackState, leftovers

PROBE_S = 5.0
PROBE_STARTING_S = 0.25
OBSERVE_S = 5.0
MEMORY_EVERY = 3
# Long enough for the slowest start on a busy machine with two cores.
SILENCE_LIMIT_S = 300.0

Changed = Callable[[StackState], None]


class Supervisor:
    """Runs one embedded stack until it is told to stop.

    `changed` is called with the state after every change, on the supervisor's own loop, and must be quick.
    """

    def __init__(self, home: Home, environ: Mapping[str, str], changed: Changed = lambda _: None) -> None:
        self.home = home
        self._environ = environ
        self._changed = changed
        self._services: dict[str, Service] = {}
        self._children: dict[str, Child] = {}
        self._was_well: dict[str, asyncio.Event] = {}
        # What our own process may have started before, and we leave alone.
        self._strangers: set[Process] = set()
        self._stopping = asyncio.Event()
        self._hurry = asyncio.Event()

    async def run(self) -> None:
        """Start everything, return when everything is stopped. Raises AlreadyRunning, StackError."""
        self.home.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self.home.locked() as lock:
            self.home.create()
            await processes.end(leftovers(self.home), patience_s=15.0)
            ports, listener = listen(PORTS, self.home / "ports.json")
            lock.announce(portal_url(ports))
            self._declare(ports, listener.fileno())
            self._strangers = processes.descendants()
            children.adopt_orphans()
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self.stop)
            try:
                await self._supervise()
            finally:
                await self._stop_all()
                listener.close()

    def stop(self) -> None:
        """Begin an orderly stop; a second call ends everything at once."""
        if self._stopping.is_set():
            self._hurry.set()
        self._stopping.set()

    def _declare(self, ports: Mapping[str, int], listener: int) -> None:
        services = declare(self.home, ports, listener, self._environ)
        self._services = {service.name: service for service in services}
        self._was_well = {name: asyncio.Event() for name in self._services}
        rows = {name: ServiceState(name, service.address) for name, service in self._services.items()}
        signup_open = self._environ.get("MLP_SIGNUP") in (None, "", "open")
        self._state = StackState(str(self.home.root), portal_url(ports), signup_open, services=rows)
        self._publish()

    async def _supervise(self) -> None:
        """Until `stop`. A bug in one of the tasks ends all of them, and is raised."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._keep(service)) for service in self._services.values()]
            tasks.append(group.create_task(self._observe()))
            await self._stopping.wait()
            for task in tasks:
                task.cancel()

    async def _keep(self, service: Service) -> None:
        """Start a service when those before it are well, and again whenever it ends."""
        row, backoff = self._state.services[service.name], Backoff()
        for name in service.after:
            await self._was_well[name].wait()
        while True:
            began = time.monotonic()
            try:
                ending = await self._run(service, row)
            except (StackError, OSError) as error:
                ending = str(error)
            if not ending:
                self._set(row, Health.DONE)
                return
            delay = backoff.delay(time.monotonic() - began)
            row.restarts += 1
            self._set(
                row, Health.RESTARTING, f"{ending}; again in {delay:g} s; see {self.home.log(service.name)}"
            )
            await asyncio.sleep(delay)

    async def _run(self, service: Service, row: ServiceState) -> str:
        """Why the service ended; nothing if it was to run once and succeeded."""
        self._set(row, Health.STARTING)
        if service.prepare:
            await asyncio.to_thread(service.prepare)
        for command in service.commands:
            child = children.spawn(
                command,
                environment=service.environment,
                folder=CODE,
                log=self.home.log(service.name),
                stop_signal=service.stop_signal,
                grace_s=service.grace_s,
                inherited=service.inherited,
            )
            self._children[service.name] = child
            row.pid = child.pid
            self._publish()
            ending = await (self._finish(child) if service.once else self._watch(service, row, child))
            await child.stop(hurry=self._hurry)
            row.pid, row.memory = None, 0
            if ending:
                return ending
        return ""

    async def _finish(self, child: Child) -> str:
        code = await child.wait()
        return f"exit code {code}" if code else ""

    async def _watch(self, service: Service, row: ServiceState, child: Child) -> str:
        """Why the process ended, or must end because it has been silent for too long."""
        last_answer = time.monotonic()
        misses = 0
        while child.exit_code() is None:
            if await service.probe():
                last_answer, misses = time.monotonic(), 0
                self._set(row, Health.READY)
            else:
                misses += 1
                # One missed answer under load is no news.
                if row.health is Health.READY and misses > 1:
                    self._set(row, Health.SILENT, f"see {self.home.log(service.name)}")
            if time.monotonic() - last_answer > SILENCE_LIMIT_S:
                return f"no answer for {SILENCE_LIMIT_S:.0f} s"
            pause = PROBE_STARTING_S if row.health is Health.STARTING else PROBE_S
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(child.wait(), pause)
        return f"exit code {child.exit_code()}"

    async def _observe(self) -> None:
        """Keep track of every descendant and of the memory they take; keep the logs short."""
        beat = 0
        while True:
            everything = processes.scan()
            for name, child in self._children.items():
                row = self._state.services[name]
                child.observe(everything)
                row.remember(child.members)
                if beat % MEMORY_EVERY == 1:
                    row.memory = child.memory()
                    children.rotate(self.home.log(name))
            if beat % MEMORY_EVERY == 1:
                self.home.refresh()
            children.reap_orphans(everything, {child.pid for child in self._children.values()})
            self._publish()
            beat += 1
            await asyncio.sleep(OBSERVE_S)

    async def _stop_all(self) -> None:
        """Each service after those that need it; then whatever else descends from us."""
        gone = {name: asyncio.Event() for name in self._services}
        await asyncio.gather(*(self._stop_one(service, gone) for service in self._services.values()))
        await processes.end(processes.descendants() - self._strangers, patience_s=2.0)

    async def _stop_one(self, service: Service, gone: Mapping[str, asyncio.Event]) -> None:
        for other in self._services.values():
            if service.name in other.after:
                await gone[other.name].wait()
        row = self._state.services[service.name]
        if child := self._children.get(service.name):
            self._set(row, Health.STOPPING)
            await child.stop(hurry=self._hurry)
        row.pid, row.memory, row.members = None, 0, []
        self._set(row, Health.STOPPED)
        gone[service.name].set()

    def _set(self, row: ServiceState, health: Health, note: str = "") -> None:
        if (row.health, row.note) == (health, note):
            return
        row.health, row.note = health, note
        if health.is_well:
            self._was_well[row.name].set()
        self._publish()

    def _publish(self) -> None:
        # A full disk must not end what still runs; the next write may succeed.
        with contextlib.suppress(OSError):
            self._state.write(self.home)
        self._changed(self._state)
