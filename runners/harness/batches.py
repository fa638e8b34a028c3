"""What one POST carries: points in columns, lines of the log, progress, at most one checkpoint, at most one end.

`log` is whole lines, each with its line feed; `log_times` says from which of them on (0 the first) which time holds.
`log_open` is the rows after them that may still change, None if they are as the last batch said.
"""

from typing import Any

MAX_POINTS = 20_000
MAX_LOG_CHARACTERS = 256 * 1024
# What a point, and a batch without any, are about as JSON.
POINT_BYTES = 60
BATCH_BYTES = 100


class Draft:
    """A batch that is still growing. Only one thread uses it."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[list[int], list[float], list[float]]] = {}
        self._log: list[str] = []
        self._log_times: list[list[float]] = []
        self._log_open: str | None = None
        self._points = self._log_characters = self._log_lines = 0
        self._progress: float | None = None
        self._checkpoint: dict[str, Any] | None = None
        self._end: dict[str, Any] | None = None

    @property
    def empty(self) -> bool:
        said = self._points or self._log or self._checkpoint or self._end
        return not said and self._progress is None and self._log_open is None

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
            numbers.append(value)
            times.append(when)
        self._points += len(values)
        if progress is not None:
            self._progress = progress

    def add_log(self, lines: str, when: float) -> None:
        self._log.append(lines)
        self._log_times.append([self._log_lines, when])
        self._log_characters += len(lines)
        self._log_lines += lines.count("\n")

    def set_open(self, rows: str) -> None:
        self._log_open = rows

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
            "log_times": self._log_times,
            "log_open": self._log_open,
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
    total = _count(payload)
    if total > 1:
        first["points"], second["points"] = _halve(points, total // 2)
        return [first, second]
    if log.count("\n") > 1:
        _halve_log(first, second)
        return [first, second]
    return None


def essentials(payload: dict[str, Any]) -> dict[str, Any] | None:
    """Only the checkpoint and the end of a refused payload; None if it had nothing else to begin with."""
    said = payload["points"] or payload["log"] or payload["log_open"] is not None
    bare = not said and payload["progress"] is None
    if bare or not (payload["checkpoint"] or payload["end"]):
        return None
    return {**heartbeat(), "checkpoint": payload["checkpoint"], "end": payload["end"]}


def prepend_log(payload: dict[str, Any], lines: str, when: float) -> dict[str, Any]:
    """The payload with lines before its own."""
    added = lines.count("\n")
    times = [[0, when], *([line + added, then] for line, then in payload["log_times"])]
    return {**payload, "log": lines + payload["log"], "log_times": times}


def summary(payload: dict[str, Any]) -> str:
    """What a payload holds, in words for a log line."""
    points = _count(payload)
    parts = [f"{points} points", f"{len(payload['log'])} characters of log"]
    parts += [name for name in ("checkpoint", "end") if payload[name]]
    return ", ".join(parts)


def weight(payload: dict[str, Any]) -> int:
    """About how many bytes it takes."""
    said = len(payload["log"]) + len(payload["log_open"] or "")
    return BATCH_BYTES + POINT_BYTES * _count(payload) + said


def _count(payload: dict[str, Any]) -> int:
    return sum(len(column["steps"]) for column in payload["points"])


def _halve_log(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Move the first half of the second's lines into the first."""
    log, times = second["log"], second["log_times"]
    # The last line feed ends the last line, which stays.
    after_middle = log.find("\n", len(log) // 2, -1)
    end = (after_middle if after_middle >= 0 else log.rindex("\n", 0, -1)) + 1
    lines = log.count("\n", 0, end)
    first["log"], second["log"] = log[:end], log[end:]
    first["log_times"] = [[line, when] for line, when in times if line < lines]
    second["log_times"] = [
        *([[0, when] for line, when in times if line <= lines][-1:]),
        *([line - lines, when] for line, when in times if line > lines),
    ]


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
