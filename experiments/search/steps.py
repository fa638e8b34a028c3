"""A grid of numbers: a first one and a step, in the decimals that a person wrote. Pure."""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

# A number this close to a grid point, in steps, is that point: binary floats cannot say 0.3 exactly.
TOLERANCE = Fraction(1, 10**6)


@dataclass(frozen=True)
class Steps:
    """first, first + step, first + 2 step, …; exact, so that three steps of 0.1 are 0.3."""

    first: float
    step: float

    def at(self, index: int) -> float:
        """The point of this index; 0 is the first."""
        return float(_exact(self.first) + index * _exact(self.step))

    def index(self, value: float) -> int:
        """Index of the nearest point."""
        return round(self._position(value))

    def below(self, value: float) -> int:
        """Index of the last point that is not above the value."""
        nearest = self.index(value)
        return nearest if self.holds(value) else self._position(value).__floor__()

    def holds(self, value: float) -> bool:
        """Whether the value is a point of the grid."""
        position = self._position(value)
        index = round(position)
        # Far from 0, floats lie farther apart than the tolerance: then the nearest float is the point.
        return abs(position - index) <= TOLERANCE or self.at(index) == value

    def _position(self, value: float) -> Fraction:
        return (_exact(value) - _exact(self.first)) / _exact(self.step)


def divides(step: float, whole: float) -> bool:
    """Whether `whole` is a multiple of the step."""
    return Steps(0, step).holds(whole) and Steps(0, step).index(whole) > 0


# A model looks at the same few numbers for a thousand rows; parsing their decimals is most of the work.
@lru_cache(maxsize=10_000)
def _exact(value: float) -> Fraction:
    return Fraction(repr(value))
