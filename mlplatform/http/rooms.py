"""What the pages of one group are to hear next: merged, bounded, and complete or known to be incomplete. Pure."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

Event = dict[str, Any]
# Above these, fetching everything again is cheaper for a page than hearing it.
MAX_POINTS = 5000
MAX_CHANGES = 200
REFETCH = json.dumps({"refetch": True})
COLUMNS = ("steps", "values", "times")


class Sequence:
    """Numbers of messages: each should come once, in about their order."""

    def __init__(self, newest: int) -> None:
        self._last = newest
        self._due = newest
        self._ahead: set[int] = set()

    def hear(self, number: int) -> None:
        """A message came."""
        if number > self._last:
            self._ahead.add(number)
        while self._last + 1 in self._ahead:
            self._last += 1
            self._ahead.discard(self._last)

    def is_whole(self, newest: int) -> bool:
        """Whether everything came that had been sent when this was asked before. `newest`: the last number given.

        What is missing is not asked for again.
        """
        is_reset, is_short = newest < self._last, self._last < self._due
        if is_reset:
            self._last, self._ahead = newest, set()
        elif is_short:
            self._last = self._due
            self._ahead = {number for number in self._ahead if number > self._due}
        self._due = newest
        return not (is_reset or is_short)


@dataclass
class News:
    """What happened in a moment."""

    changed: dict[str, None] = field(default_factory=dict)
    # By run and metric; a list has more than one where a new attempt began or something is missing between.
    curves: dict[tuple[str, str], list[Event]] = field(default_factory=dict)
    points: int = 0
    is_lost: bool = False

    def __bool__(self) -> bool:
        return bool(self.changed or self.curves or self.is_lost)

    def frame(self, names: Collection[str]) -> str | None:
        """As JSON, with the points of these metrics; None if there is nothing to tell."""
        if self.is_lost:
            return REFETCH
        points = [part for (_, name), parts in self.curves.items() if name in names for part in parts]
        if not self.changed and not points:
            return None
        return json.dumps({"changed": list(self.changed), "points": points}, separators=(",", ":"))


def together(several: Iterable[News]) -> News:
    """What happened in a moment in several groups, for a page that hears them all."""
    found = list(several)
    if len(found) == 1:
        return found[0]
    whole = News(is_lost=any(news.is_lost for news in found))
    for news in found:
        whole.changed |= news.changed
        # Two groups that tell of one run tell the same.
        whole.curves |= news.curves
    return whole


class Room:
    """One group. It keeps no points that nobody in it shows."""

    def __init__(self, newest: int = 0) -> None:
        self.sequence = Sequence(newest)
        self.news = News()

    def gather(self, events: Iterable[Event], wanted: Collection[str]) -> None:
        """Put events into the next frame; points only of the metrics `wanted`."""
        for event in events:
            if self.news.is_lost:
                return
            if event["what"] == "points":
                for series in event["points"]:
                    if series["name"] in wanted:
                        self._add({"run": event["run"], "number": event["number"], **series})
            else:
                what = event["what"]
                self.news.changed.setdefault(f"{what}:{event.get(what) or event.get('run') or ''}")
            if self.news.points > MAX_POINTS or len(self.news.changed) > MAX_CHANGES:
                self.lose()

    def lose(self) -> None:
        """Something is missing, or too much: the pages are to fetch everything again."""
        self.news = News(is_lost=True)

    def take(self) -> News:
        """What there is; the next moment begins."""
        taken, self.news = self.news, News()
        return taken

    def _add(self, part: Event) -> None:
        parts = self.news.curves.setdefault((part["run"], part["name"]), [])
        self.news.points += len(part["steps"])
        last = parts[-1] if parts else None
        if (
            last
            and last["attempt"] == part["attempt"]
            and last["count"] + len(part["steps"]) == part["count"]
        ):
            for column in COLUMNS:
                last[column].extend(part[column])
            last["count"] = part["count"]
        else:
            parts.append({**part, **{column: list(part[column]) for column in COLUMNS}})
