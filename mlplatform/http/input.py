"""Bodies of the REST API: what nobody knows is refused by its name instead of being dropped."""

from collections.abc import Mapping
from typing import Any

from rest_framework import serializers

from mlplatform.http.query import LARGEST
from mlplatform.kernel.errors import InvalidInput
from mlplatform.kernel.text import SHOWN, known_instead, storable


class Input(serializers.Serializer[Any]):
    """Takes its fields and no others. As it is it takes nothing."""

    refusal = "There is no field {}"

    def known(self) -> list[str]:
        """What may be sent."""
        return list(self.fields)

    def to_internal_value(self, data: Any) -> Any:
        """See REST framework. Raises InvalidInput whose field is the first one that is not known."""
        if isinstance(data, Mapping):
            unknown = next((str(name) for name in data if name not in self.fields), None)
            if unknown is not None:
                name = storable(unknown)[:SHOWN]
                problem = f"{self.refusal.format(name)}; {known_instead(name, self.known())}."
                raise InvalidInput(problem, field=name)
        return super().to_internal_value(data)


class RowNumber(serializers.IntegerField):
    """The number of a row, as far as their column goes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"min_value": 1, "max_value": LARGEST, **options})


def checked(kind: type[Input], data: Any) -> dict[str, Any]:
    """What was sent, in its types. Raises InvalidInput for an unknown field, ValidationError for wrong values."""
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
