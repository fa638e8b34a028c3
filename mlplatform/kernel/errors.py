"""The one error tree. Edges (API, pages, sockets) translate it once; services only raise."""

from typing import Any


class PlatformError(Exception):
    """Root of every error that a user or an operator may see.

    The message names the offending value and the remedy. `field` ties it to a form field, if there is one.
    """

    code = "error"
    http_status = 500
    retryable = False
    # Seconds after which the same call may work, if anybody can say.
    retry_after: int | None = None

    def __init__(self, message: str, *, field: str | None = None, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.field = field
        self.details = details


class InvalidInput(PlatformError):
    """A value that cannot be accepted."""

    code = "invalid"
    http_status = 400


class NotFound(PlatformError):
    """The thing does not exist, or the caller may not know that it does."""

    code = "not_found"
    http_status = 404


class Forbidden(PlatformError):
    """A member without the right for this action."""

    code = "forbidden"
    http_status = 403


class Unauthenticated(PlatformError):
    """No valid credentials."""

    code = "unauthenticated"
    http_status = 401


class Conflict(PlatformError):
    """The thing changed meanwhile, or its state does not allow the action."""

    code = "conflict"
    http_status = 409


class TooLarge(PlatformError):
    """More bytes than allowed."""

    code = "too_large"
    http_status = 413


class Busy(PlatformError):
    """More at a time than we can do; the same call works a little later."""

    code = "busy"
    http_status = 429
    retryable = True
    retry_after = 1


class Unavailable(PlatformError):
    """A part behind us does not answer now; the same call may work later."""

    code = "unavailable"
    http_status = 503
    retryable = True
    retry_after = 5


class ConfigurationError(PlatformError):
    """A setting is missing or malformed: the process refuses to start."""

    code = "configuration"
