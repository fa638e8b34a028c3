"""`python -m mlplatform.embedded up|status|stop`."""

import argparse
import asyncio
import os
import signal
import sys
import time

from mlplatform.embedded.display import Screen, console, hints, notes, table
from mlplatform.embedded.errors import StackError
from mlplatform.embedded.home import Home
from mlplatform.embedded.state import StackState
from mlplatform.embedded.supervisor import Supervisor

STOP_LIMIT_S = 120.0


def up(home: Home) -> None:
    """Run the stack in the foreground until Ctrl-C or SIGTERM."""
    with Screen(home) as screen:
        asyncio.run(Supervisor(home, os.environ, screen).run())


def status(home: Home) -> None:
    """Print the table of the running stack; exit code 1 if there is none."""
    state = StackState.read(home)
    if state is None:
        raise StackError(f"No stack runs in {home.root}. Start it with `make up`.")
    console().print(table(state), *notes(state), hints(state, home), sep="\n")


def stop(home: Home) -> None:
    """Ask the running stack to stop, and wait until it has."""
    pid = home.owner().get("pid")
    if pid is None or not home.is_running():
        raise StackError(f"No stack runs in {home.root}.")
    os.kill(pid, signal.SIGTERM)
    limit = time.monotonic() + STOP_LIMIT_S
    while home.is_running():
        if time.monotonic() > limit:
            raise StackError(
                f"The stack in {home.root} did not stop within {STOP_LIMIT_S:.0f} s; see {home / 'logs'}."
            )
        time.sleep(0.2)


def main() -> int:
    """Entry point. The exit code is 0 after an orderly stop."""
    parser = argparse.ArgumentParser(prog="python -m mlplatform.embedded", description=__doc__)
    verbs = {"up": up, "status": status, "stop": stop}
    parser.add_argument(
        "verb", choices=verbs, help="; ".join(f"{name}: {verb.__doc__}" for name, verb in verbs.items())
    )
    try:
        verbs[parser.parse_args().verb](Home.locate(os.environ))
    except StackError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
