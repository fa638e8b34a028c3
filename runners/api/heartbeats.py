"""Where a worker says that it is alive while it cannot send batches."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from mlplatform.kernel.errors import InvalidInput
from runners.api.authentication import HarnessView
from runners.services.leases import Fenced, lease_renew


class HeartbeatsView(HarnessView):
    """POST run, attempt, fence: the holder of this lease is alive."""

    def post(self, request: Request) -> Response:
        """200; 409 fenced if the lease is not theirs any more."""
        content = self.body(request)
        try:
            subject, attempt, fence = (
                UUID(str(content["run"])),
                _number(content["attempt"], below=2**31),
                _number(content["fence"], below=2**63),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                "A heartbeat must have run (an id), attempt and fence (whole numbers)."
            ) from error
        if not lease_renew(self.allocation(request), fence, subject_id=subject, attempt=attempt):
            raise Fenced(f"The lease {fence} has ended; somebody else may have the run now.")
        return Response({})


def _number(value: Any, *, below: int) -> int:
    """As large as the column of the database."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < below:
        raise ValueError(value)
    return value
