"""What requests get while PostgreSQL is away: see `errors.server_error`; and one line in the log for each."""

import logging

from django.db import InterfaceError, OperationalError

OUTAGES = (InterfaceError, OperationalError)
WORDS = "The database does not answer right now; try again in a moment."


def is_outage(error: BaseException | None) -> bool:
    """Whether the database is to blame, and the same request may work later."""
    return isinstance(error, OUTAGES)


class OneLine(logging.Filter):
    """Leaves out the traceback, which would be the same for every request of the outage."""

    def filter(self, record: logging.LogRecord) -> bool:
        """See logging.Filter."""
        error = record.exc_info[1] if record.exc_info else None
        if is_outage(error):
            said = str(error).partition("\n")[0] or type(error).__name__
            record.msg, record.args, record.exc_info = f"{record.getMessage()} ({said})", None, None
        return True
