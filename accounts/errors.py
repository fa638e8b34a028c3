"""Errors that only accounts know of."""

from mlplatform.kernel.errors import InvalidInput


class QuotaExceeded(InvalidInput):
    """More than a quota allows, so that a form shows it at its field. `details` has the numbers."""

    code = "quota_exceeded"
    http_status = 409
