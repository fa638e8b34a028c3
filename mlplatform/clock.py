"""The periodic clock: `python -m mlplatform.clock` sends the repeating actors. It does no work itself."""

import os
import signal
import threading
import time

import django

# Actor name -> seconds between two messages.
PERIODS = {
    "settle_losses": 2.0,
    "reconcile": 2.0,
    "sync_tracking": 5.0,
    "purge_projects": 15.0,
    "empty_discarded": 60.0,
    "meter_usage": 60.0,
    "measure_checkpoints": 60.0,
    "purge_deleted": 60.0,
    "tend_points": 300.0,
    "forget_answers": 3600.0,
}


def run(stop: threading.Event) -> None:
    """Send each actor at its period until `stop` is set. Lost ticks are not made up for."""
    from mlplatform.broker import enqueue  # noqa: PLC0415  (Django must be set up first)

    due = dict.fromkeys(PERIODS, 0.0)
    while not stop.is_set():
        now = time.monotonic()
        for actor, at in due.items():
            if now >= at:
                enqueue(actor)
                due[actor] = now + PERIODS[actor]
        stop.wait(max(0.05, min(due.values()) - time.monotonic()))


def main() -> None:
    """Entry point."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mlplatform.settings")
    django.setup()
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    run(stop)


if __name__ == "__main__":
    main()
