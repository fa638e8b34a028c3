"""Where Ray's controller tells that the worker group of its job has died."""

import math
from datetime import timedelta
from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from mlplatform.kernel import clock
from mlplatform.kernel.errors import InvalidInput
from mlplatform.kernel.text import storable
from runners.api.authentication import HarnessView
from runners.services.leases import group_died

CODES = ("worker_died", "out_of_memory", "node_lost")
MESSAGE_LIMIT = 10_000
OLDEST_SECONDS = 3600.0


class DeathsView(HarnessView):
    """POST code, message, age_s: the group that worked until `age_s` seconds ago is gone."""

    def post(self, request: Request) -> Response:
        """200 with the number of leases that ended by it; repeating it changes nothing."""
        content = self.body(request)
        code = content.get("code") if isinstance(content, dict) else None
        if code not in CODES:
            raise InvalidInput(
                f"code is {str(code)[:40]!r}; it must be one of {', '.join(CODES)}.", field="code"
            )
        ended = group_died(
            self.allocation(request),
            code=code,
            detail=storable(content.get("message"))[:MESSAGE_LIMIT],
            died_at=clock.now() - timedelta(seconds=_age(content.get("age_s", 0))),
        )
        return Response({"ended": ended})


def _age(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= OLDEST_SECONDS:
        raise InvalidInput(
            f"age_s is {str(value)[:40]}; it must be a number of seconds from 0 to {OLDEST_SECONDS:g}.",
            field="age_s",
        )
    return float(value)
