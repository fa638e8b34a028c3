"""What jobs call: leases and batches. Only with an allocation token, only for that allocation's own runs."""

import json
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from experiments.services.ingest import batch_ingest
from experiments.services.leasing import lease_next
from experiments.telemetry import parse_batch
from mlplatform.kernel.errors import InvalidInput, TooLarge
from runners.api.authentication import HarnessView


def _body(request: Request) -> Any:
    announced = int(request.META.get("CONTENT_LENGTH") or 0)
    if announced > settings.MAX_BATCH_BYTES or len(request._request.body) > settings.MAX_BATCH_BYTES:
        raise TooLarge(f"A batch may have {settings.MAX_BATCH_BYTES:,} bytes; send it in smaller parts.")
    try:
        return json.loads(request._request.body)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"The body is not JSON: {error}.") from error


class LeasesView(HarnessView):
    """POST group, environment: what shall this worker group do next?"""

    def post(self, request: Request) -> Response:
        """200 with an order; 401 once the allocation has ended."""
        content = _body(request)
        group = content.get("group") if isinstance(content, dict) else None
        if not isinstance(group, str) or not 0 < len(group) <= 64:
            raise InvalidInput(f"group is {group!r}; it must be a text of 1 to 64 characters.", field="group")
        environment = content.get("environment")
        order = lease_next(
            allocation=self.allocation(request),
            group_id=group,
            environment=environment if isinstance(environment, dict) else {},
        )
        return Response({key: value for key, value in asdict(order).items() if value is not None})


class BatchesView(HarnessView):
    """POST one batch of one rank of a run."""

    def post(self, request: Request, run_id: UUID) -> Response:
        """200 with the next seq; 409 gap or fenced; 400 for a malformed batch."""
        receipt = batch_ingest(
            allocation=self.allocation(request), run_id=run_id, batch=parse_batch(_body(request))
        )
        return Response(asdict(receipt))
