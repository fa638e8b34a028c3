"""How long it still takes, from how long it took so far. Pure."""

from collections.abc import Sequence


def seconds_left(
    *, left: float, ended: Sequence[tuple[int, float]], paces: Sequence[float], at_work: int
) -> float | None:
    """For `left` runs, of which so many train at a time; None while there is nothing to judge by.

    `ended` has numbers of runs that trained to their end, each with the seconds of all of them; `paces` the seconds
    that a whole run takes at the speed of each that trains.
    """
    count = sum(number for number, _ in ended)
    if count:
        each = sum(seconds for _, seconds in ended) / count
    elif paces:
        each = sum(paces) / len(paces)
    else:
        return None
    return max(left, 0) * each / at_work if at_work else None
