"""Things to send when the current transaction commits, gathered so that each is sent once and all in one go."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

from django.db import transaction


class Outgoing:
    """What one transaction will send through one sender. Django keeps it, and drops it on a rollback."""

    def __init__(self, send: Callable[[Sequence[Any]], None]) -> None:
        self.send = send
        self.items: dict[Hashable, Any] = {}

    def __call__(self) -> None:
        """Called by Django after the commit."""
        self.send(list(self.items.values()))


def on_commit(send: Callable[[Sequence[Any]], None], item: Any, key: Hashable) -> None:
    """Hand `item` to `send` when the current transaction commits (at once outside of one).

    Items of one transaction come in one call, in order; of those with equal keys only the last.
    """
    connection = transaction.get_connection()
    waiting = [hook[1] for hook in connection.run_on_commit if isinstance(hook[1], Outgoing)]
    outgoing = next((hook for hook in waiting if hook.send is send), None)
    if outgoing is None or not connection.in_atomic_block:
        outgoing = Outgoing(send)
        outgoing.items[key] = item
        transaction.on_commit(outgoing)
    else:
        outgoing.items[key] = item
