"""What one POST carries: points in columns, log text, progress, at most one checkpoint, at most one end."""

from typing import Any

from .metrics import encode_number

MAX_POINTS = 5_000
MAX_LOG_CHARACTERS = 256 * 1024


class Draft:
    """A batch that is still growing. Only one thread uses it."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[list[int], list[float | str], list[float]]] = {}
        self._log: list[str] = []
        self._points = self._log_characters = 0
        self._progress: float | None = None
        self._checkpoint: dict[str, Any] | None = None
        self._end: dict[str, Any] | None = None

    @property
    def empty(self) -> bool:
        return not (self._points or self._log or self._checkpoint or self._end or self._progress is not None)

    @property
    def full(self) -> bool:
        """Whether the next item belongs into a new batch."""
        return (
            self._points >= MAX_POINTS
            or self._log_characters >= MAX_LOG_CHARACTERS
            or self._checkpoint is not None
            or self._end is not None
        )

    def add_points(self, step: int, when: float, values: dict[str, float], progress: float | None) -> None:
        for name, value in values.items():
            steps, numbers, times = self._columns.setdefault(name, ([], [], []))
            steps.append(step)
            numbers.append(encode_number(value))
            times.append(when)
        self._points += len(values)
        if progress is not None:
            self._progress = progress

    def add_log(self, text: str) -> None:
        self._log.append(text)
        self._log_characters += len(text)

    def set_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        self._checkpoint = checkpoint

    def set_end(self, end: dict[str, Any]) -> None:
        self._end = end

    def payload(self) -> dict[str, Any]:
        """The body of the POST, without run identity and sequence number."""
        return {
            "points": [
                {"name": name, "steps": steps, "values": numbers, "times": times}
                for name, (steps, numbers, times) in self._columns.items()
            ],
            "log": "".join(self._log),
            "progress": self._progress,
            "checkpoint": self._checkpoint,
            "end": self._end,
        }


def heartbeat() -> dict[str, Any]:
    """A batch without content: renews the lease and fetches orders."""
    return Draft().payload()


def split(payload: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Two payloads that together say the same (for a server that finds one too large); None if it cannot be split."""
    first, second = heartbeat(), dict(payload)
    points, log = payload["points"], payload["log"]
    total = sum(len(column["steps"]) for column in points)
    if total > 1:
        first["points"], second["points"] = _halve(points, total // 2)
        return [first, second]
    if len(log) > 1024:
        middle = len(log) // 2
        first["log"], second["log"] = log[:middle], log[middle:]
        return [first, second]
    return None


def essentials(payload: dict[str, Any]) -> dict[str, Any] | None:
    """Only the checkpoint and the end of a refused payload; None if it had nothing else to begin with."""
    bare = not payload["points"] and not payload["log"] and payload["progress"] is None
    if bare or not (payload["checkpoint"] or payload["end"]):
        return None
    return {**heartbeat(), "checkpoint": payload["checkpoint"], "end": payload["end"]}


def summary(payload: dict[str, Any]) -> str:
    """What a payload holds, in words for a log line."""
    points = sum(len(column["steps"]) for column in payload["points"])
    parts = [f"{points} points", f"{len(payload['log'])} characters of log"]
    parts += [name for name in ("checkpoint", "end") if payload[name]]
    return ", ".join(parts)


def _halve(columns: list[dict[str, Any]], wanted: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Cut the columns after `wanted` points."""
    first, second = [], []
    for column in columns:
        size = len(column["steps"])
        taken = min(size, wanted)
        wanted -= taken
        if taken:
            first.append(_rows(column, slice(0, taken)))
        if taken < size:
            second.append(_rows(column, slice(taken, size)))
    return first, second


def _rows(column: dict[str, Any], rows: slice) -> dict[str, Any]:
    return {"name": column["name"], **{key: column[key][rows] for key in ("steps", "values", "times")}}
