"""What jobs call: leases and batches. Only with an allocation token, only for that allocation's own runs."""

from dataclasses import asdict
from typing import Any
from uuid import UUID

from rest_framework.request import Request
from rest_framework.response import Response

from experiments.services.ingest import batch_ingest
from experiments.services.leasing import PACKAGES, Order, lease_following, lease_next
from experiments.telemetry import parse_batch
from mlplatform.kernel.errors import InvalidInput
from runners.api.authentication import HarnessView

MAX_PACKAGES = 2000


class LeasesView(HarnessView):
    """POST group, with environment and packages at first: what shall this worker group do next?"""

    def post(self, request: Request) -> Response:
        """200 with an order; 401 once the allocation has ended, 409 fenced for a group that was replaced."""
        content = self.body(request)
        group = content.get("group") if isinstance(content, dict) else None
        if not isinstance(group, str) or not 0 < len(group) <= 64:
            raise InvalidInput(f"group is {group!r}; it must be a text of 1 to 64 characters.", field="group")
        environment, packages = content.get("environment"), content.get(PACKAGES)
        if isinstance(environment, dict) and isinstance(packages, list):
            environment = environment | {PACKAGES: [str(line)[:200] for line in packages[:MAX_PACKAGES]]}
        order = lease_next(
            allocation=self.allocation(request),
            group_id=group,
            environment=environment if isinstance(environment, dict) else {},
        )
        return Response(order_json(order))


class BatchesView(HarnessView):
    """POST one batch of one rank of a run. One with `end` and `end.group` asks for the group's next run as well."""

    def post(self, request: Request, run_id: UUID) -> Response:
        """200 with the next seq, and `next` if it was asked for; 409 gap or fenced; 400 for a malformed batch."""
        allocation, batch = self.allocation(request), parse_batch(self.body(request))
        receipt = batch_ingest(allocation=allocation, run_id=run_id, batch=batch)
        following = None
        if batch.end and batch.end.group:
            # A transaction of its own: the end stands whatever becomes of this.
            following = lease_following(allocation=allocation, group_id=batch.end.group)
        return Response(asdict(receipt) | ({"next": order_json(following)} if following else {}))


def order_json(order: Order) -> dict[str, Any]:
    """What the harness is told to do."""
    return {key: value for key, value in asdict(order).items() if value is not None}
