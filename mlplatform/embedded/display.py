"""What a person sees: one table of the stack, live on a terminal, as plain lines elsewhere."""

from types import TracebackType

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from mlplatform.embedded.home import Home
from mlplatform.embedded.state import Health, ServiceState, StackState

COLOURS = {
    Health.READY: "green",
    Health.DONE: "green",
    Health.SILENT: "yellow",
    Health.RESTARTING: "red",
    Health.STOPPED: "dim",
    Health.WAITING: "dim",
}

SIGNUP_HINT = "Anyone on this machine can sign up and run code as you; MLP_SIGNUP=closed prevents it."


def console() -> Console:
    """Standard output; wide enough for the table where no terminal sets the width."""
    found = Console(soft_wrap=True, highlight=False)
    return found if found.is_terminal else Console(soft_wrap=True, highlight=False, width=110)


def table(state: StackState) -> Table:
    """Rows of all services, and the memory of all together."""
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    grid.add_column("process")
    grid.add_column("pid", justify="right")
    grid.add_column("address", overflow="fold")
    grid.add_column("health")
    grid.add_column("restarts", justify="right")
    grid.add_column("memory", justify="right")
    for row in state.services.values():
        health = Text(row.health.value, style=COLOURS.get(row.health, "cyan"))
        pid, memory = str(row.pid or ""), _megabytes(row.memory)
        grid.add_row(row.name, pid, row.address, health, str(row.restarts), memory)
    grid.add_section()
    grid.add_row("", "", "", "", "all", _megabytes(sum(row.memory for row in state.services.values())))
    return grid


def notes(state: StackState) -> list[str]:
    """One sentence per service that has something to say."""
    return [f"{row.name} is {row.health.value}: {row.note}" for row in state.services.values() if row.note]


def hints(state: StackState, home: Home) -> Text:
    """Where to go and how to get in."""
    text = Text()
    text.append("Portal  ").append(state.portal_url, style="bold underline")
    text.append("" if state.is_well("web") else "  (not up)", style="dim")
    text.append(f"\nSign in as demo or admin; passwords are in {home.secret_file('demo_password')}")
    text.append(f" and {home.secret_file('admin_password').name} beside it.")
    if state.signup_open:
        text.append(f"\n{SIGNUP_HINT}", style="yellow")
    text.append(f"\nLogs are in {home / 'logs'}. Ctrl-C stops everything; the data stays.", style="dim")
    return text


class Screen:
    """Shows a stack while it runs. Use as a context manager and call it with each new state."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._console = console()
        self._live = Live(console=self._console, auto_refresh=False) if self._console.is_terminal else None
        self._last: dict[str, tuple[Health, str]] = {}
        self._shown_ready = False

    def __enter__(self) -> "Screen":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def __call__(self, state: StackState) -> None:
        if self._live:
            complaints = [Text(note, style="yellow") for note in notes(state)]
            self._live.update(Group(table(state), *complaints, hints(state, self._home)), refresh=True)
            return
        for row in state.services.values():
            self._print_change(row)
        if state.is_ready and not self._shown_ready:
            self._shown_ready = True
            self._console.print(table(state), hints(state, self._home))

    def _print_change(self, row: ServiceState) -> None:
        now = (row.health, row.note)
        if self._last.get(row.name, (Health.WAITING, "")) != now:
            self._console.print(f"{row.name}: {row.health.value}{f' ({row.note})' if row.note else ''}")
        self._last[row.name] = now


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.0f} MB" if size else ""
