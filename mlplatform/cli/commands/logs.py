"""`mlp logs`: what a run has printed."""

import argparse
import time

from mlplatform.cli import places
from mlplatform.cli.client import PortalClient
from mlplatform.cli.terminal import Terminal
from mlplatform.cli.verbs import Verbs
from mlplatform.cli.words import OVER

PAUSE_S = 1.0


def register(verbs: Verbs) -> None:
    """Add the verbs of this module."""
    parser = verbs.add(
        "logs",
        logs,
        "print what a run has printed",
        "mlp logs vision/digits 3 --follow",
        "mlp logs vision/digits 3 --rank 1 --tail 20",
    )
    places.add_run(parser)
    parser.add_argument(
        "--attempt", metavar="N", type=places.whole("attempt", 1), help="the latest, if left out"
    )
    parser.add_argument(
        "--rank", metavar="N", type=places.whole("rank", 0), default=0, help="which worker; 0, if left out"
    )
    parser.add_argument(
        "--tail", metavar="N", type=places.whole("number of lines", 1), help="only the last so many lines"
    )
    parser.add_argument("--follow", "-f", action="store_true", help="go on until the run has ended")


def logs(args: argparse.Namespace, terminal: Terminal) -> None:
    """Print an attempt's output; with --follow also that of later ones, and until the run has ended."""
    portal = terminal.portal()
    run = places.find_run(portal, args)
    attempt: int = args.attempt or run["attempts"]
    first = -args.tail if args.tail else 1
    printer: Printer | None = None
    while True:
        # Looked at before the log is, so that nothing is missed at the end.
        over = not args.follow or run["state"] in OVER or bool(args.attempt and run["attempts"] > attempt)
        latest = run["attempts"] if args.follow and args.attempt is None else attempt
        # 0 while nobody has tried yet.
        for number in range(max(attempt, 1), latest + 1):
            if printer is None or printer.attempt != number:
                if printer:
                    printer.finish()
                    terminal.warn(f"attempt {number} of run {run['number']}")
                printer = Printer(terminal, portal, run["id"], attempt=number, rank=args.rank, first=first)
                first = 1
            printer.go_on()
        attempt = latest
        if over:
            if printer:
                printer.finish()
            return
        time.sleep(PAUSE_S)
        run = portal.get(f"/runs/{run['id']}/")


class Printer:
    """Prints one rank's output in one attempt. Lines come when they are over."""

    def __init__(
        self, terminal: Terminal, portal: PortalClient, run: str, *, attempt: int, rank: int, first: int
    ) -> None:
        self.attempt = attempt
        self._terminal = terminal
        self._portal = portal
        self._run = run
        self._rank = rank
        self._next = first
        self._rows: list[str] = []

    def go_on(self) -> None:
        """Print what there is by now."""
        while True:
            page = self._portal.log_lines(self._run, attempt=self.attempt, rank=self._rank, first=self._next)
            over = page["total"] - page["open"]
            lines = [line for line in page["lines"] if line["number"] <= over]
            self._rows = [line["text"] for line in page["lines"] if line["number"] > over]
            self._terminal.write("".join(f"{line['text']}\n" for line in lines))
            if lines:
                self._next = lines[-1]["number"] + 1
            elif self._next < 1:
                self._next = over + 1
            # The rows may go on after the page, also if all that is over was in it.
            if not lines or page["lines"][-1]["number"] == page["total"]:
                return

    def finish(self) -> None:
        """Print what was not over; now it is."""
        self._terminal.write("".join(f"{row}\n" for row in self._rows))
