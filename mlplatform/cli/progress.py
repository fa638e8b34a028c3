"""Following an experiment in the terminal: a bar for the whole and one for each run that trains, until it is over."""

import time
from collections.abc import Callable, Iterator, Sequence

import httpx
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.text import Text

from mlplatform.cli.client import ClientError, Json, PortalClient
from mlplatform.cli.places import label
from mlplatform.cli.tables import differing, state
from mlplatform.cli.values import shown
from mlplatform.cli.words import OPEN, OVER, clip, last, plain, span, value

PAUSE_S = 0.3
# A look must not cost the portal more than this share of one core, however many runs there are.
LOAD = 0.2
# How long a portal that restarts may take.
PATIENCE_S = 120.0
AWAY = (502, 503, 504)
TRAINED = ("completed", "pruned")
PARAMETERS_WIDTH = 24
WORDS_WIDTH = 34


def follow(
    console: Console, portal: PortalClient, pk: str, *, on_first_metric: Callable[[], None] = lambda: None
) -> list[Json]:
    """Show progress until every run has ended; the runs. Outages of the portal are waited for."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=14),
        TextColumn("{task.fields[words]}", markup=False),
    )
    with Progress(*columns, console=console) as progress:
        board = Board(progress)
        measured = False
        runs: list[Json] = []
        for experiment, runs in _looks(portal, pk, board):
            if not measured and any(run["metrics"] for run in runs):
                measured = True
                on_first_metric()
            board.update(experiment, runs)
            if experiment["state"] in OVER and all(run["state"] in OVER for run in runs):
                break
    return runs


class Board:
    """The bars. A run has one while it trains, and a line when it has ended."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._total = progress.add_task("", total=None, words="")
        self._bars: dict[str, TaskID] = {}
        self._told: set[str] | None = None

    def update(self, experiment: Json, runs: Sequence[Json]) -> None:
        """Show how things are now."""
        names = differing(runs)
        # What was over before anybody watched is counted only.
        told = {run["id"] for run in runs if run["state"] in OVER} if self._told is None else self._told
        for run in runs:
            what = {name: run["params"][name] for name in names if name in run["params"]}
            self._bar(run, f"run {run['number']:<3} {clip(plain(shown(what)), PARAMETERS_WIDTH)}", experiment)
            if run["state"] in OVER and run["id"] not in told:
                self._tell(run, shown(what), experiment)
        self._told = {run["id"] for run in runs if run["state"] in OVER}
        self._whole(experiment, runs)

    def away(self) -> None:
        """Say that the portal does not answer."""
        self._progress.update(self._total, words="the portal does not answer; waiting")

    def _bar(self, run: Json, description: str, experiment: Json) -> None:
        if run["state"] not in OPEN:
            if run["id"] in self._bars:
                self._progress.remove_task(self._bars.pop(run["id"]))
            return
        if run["id"] not in self._bars:
            self._bars[run["id"]] = self._progress.add_task(description, total=1.0, words="")
        self._progress.update(
            self._bars[run["id"]],
            description=description,
            completed=run["progress"] or 0,
            words=clip(plain(_words(run, experiment["objective"]["metric"])), WORDS_WIDTH),
        )

    def _tell(self, run: Json, what: str, experiment: Json) -> None:
        metric = experiment["objective"]["metric"]
        line = Text(f"run {run['number']:<3} ").append(state(run["state"]))
        parts = [what, f"{metric} {value(run['objective'])}" if metric else "", span(run["seconds"])]
        line.append(plain("".join(f"  {part}" for part in parts if part)))
        if run["cause"] and run["state"] == "failed":
            line.append(f"\n        {plain(run['cause']['message'])}")
        self._progress.console.print(line)

    def _whole(self, experiment: Json, runs: Sequence[Json]) -> None:
        done = sum(run["state"] in OVER for run in runs)
        total = max(len(runs), planned(experiment))
        words = [experiment["state"]] if experiment["state"] != "active" else []
        if (left := seconds_left(experiment, runs, total)) is not None:
            words.append(f"about {span(left)} left")
        in_line = experiment.get("queue")
        waiting = [in_line["words"]] if in_line else []
        waiting += [
            run["waiting_reason"] for run in runs if run["state"] == "queued" and run["waiting_reason"]
        ]
        if waiting and not self._bars:
            words.append(waiting[0])
        self._progress.update(
            self._total,
            description=f"{clip(label(experiment), 26)}  {done}/{total} runs",
            completed=done,
            total=total or None,
            words=clip(plain(", ".join(words)), WORDS_WIDTH),
        )


def planned(experiment: Json) -> int:
    """How many runs a search means to make, 0 if that is not known."""
    search = experiment["search"] or {}
    return int(search.get("runs") or 0) * int(search.get("repeat") or 1)


def seconds_left(experiment: Json, runs: Sequence[Json], total: int) -> float | None:
    """A guess from the runs that have ended and those that train; None without any."""
    if experiment["state"] != "active":
        return None
    ended: list[float] = [run["seconds"] for run in runs if run["state"] in TRAINED and run["seconds"]]
    training = [run for run in runs if run["state"] in OPEN]
    known: list[float] = [run["eta_seconds"] for run in training if run["eta_seconds"] is not None]
    if ended:
        each = sum(ended) / len(ended)
    elif known:
        each = max(float(run["seconds"] or 0) + (run["eta_seconds"] or 0) for run in training)
    else:
        return None
    waiting = total - sum(run["state"] in OVER for run in runs) - len(training)
    work = sum(known) + each * (len(training) - len(known) + waiting)
    longest = max(known, default=0.0)
    return max(longest, work / max(1, min(int(experiment["max_parallel"]), len(training) + waiting)))


def _words(run: Json, metric: str) -> str:
    # A bar that moves says that the run is running.
    parts = [] if run["metrics"] else [run["state"]]
    if metric in run["metrics"]:
        parts.append(f"{metric} {last(run, metric)}")
    if run["eta_seconds"] is not None:
        parts.append(f"{span(run['eta_seconds'])} left")
    return "  ".join(parts)


def _looks(portal: PortalClient, pk: str, board: Board) -> Iterator[tuple[Json, list[Json]]]:
    """The experiment and its runs, again and again. Raises what the portal raised if it stays away."""
    limit = time.monotonic() + PATIENCE_S
    while True:
        started = time.monotonic()
        try:
            # In this order: a finished experiment has only finished runs.
            look = portal.experiment(pk), portal.runs(pk)
        except (httpx.TransportError, ClientError) as error:
            if started > limit or not _is_away(error):
                raise
            board.away()
        else:
            limit = started + PATIENCE_S
            yield look
        time.sleep(max(PAUSE_S, (time.monotonic() - started) / LOAD))


def _is_away(error: Exception) -> bool:
    """Whether the portal may soon be back."""
    return not isinstance(error, ClientError) or error.status in AWAY
