"""Whose turn is it? Weighted fair shares by dominant resource: between projects, then between a project's people."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from heapq import heapify, heappop, heappush

from runners.admission.claims import Amounts, Claim, Rules

Person = tuple[str, str]


class Shares:
    """How large a part of the backend each project and each person in it holds, of the kind that they hold most of."""

    def __init__(self, limits: Sequence[float], rules: Rules, holding: Iterable[Claim]) -> None:
        self._limits = limits
        self._rules = rules
        self._projects: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        self._people: dict[Person, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
        for claim in holding:
            self.add(claim)

    def add(self, claim: Claim, sign: int = 1) -> None:
        """It holds more, or less."""
        for held in (self._projects[claim.project], self._people[claim.project, claim.user]):
            for kind in range(3):
                held[kind] += sign * claim.amounts[kind]

    def of_project(self, project: str, more: Amounts | None = None) -> float:
        """By its weight; with so much more."""
        return self._dominant(self._projects[project], more) / self._rules.weight(project)

    def of_person(self, project: str, user: str, more: Amounts | None = None) -> float:
        """Of one person in the project."""
        return self._dominant(self._people[project, user], more)

    def _dominant(self, held: Sequence[float], more: Amounts | None) -> float:
        parts = [
            (held[kind] + (more[kind] if more else 0)) / limit
            for kind, limit in enumerate(self._limits[:3])
            if limit
        ]
        # Rounded, so that who came and went leaves no trace in the order.
        return round(max(parts, default=0.0), 9)


class Line:
    """Claims of one priority in the order of their turns, which depends on who gets something on the way.

    Ask with `next`, say `took` if it got what it wanted; every claim comes once.
    """

    def __init__(self, claims: Iterable[Claim], shares: Shares) -> None:
        self._shares = shares
        people: dict[Person, deque[Claim]] = defaultdict(deque)
        for claim in sorted(claims, key=lambda claim: (claim.asked, claim.id)):
            people[claim.project, claim.user].append(claim)
        self._people = people
        users: dict[str, list[tuple[float, float, str]]] = defaultdict(list)
        for (project, user), theirs in people.items():
            users[project].append((shares.of_person(project, user), theirs[0].asked, user))
        for each in users.values():
            heapify(each)
        self._users = users
        self._projects = [(shares.of_project(p), each[0][1], p) for p, each in users.items()]
        heapify(self._projects)
        self._current: Claim | None = None
        # Shares of the current one's project and person, as long as they are the same.
        self._known: tuple[float, float] | None = None

    def next(self) -> Claim | None:
        """The next one in turn."""
        self._put_back()
        if not self._projects:
            return None
        of_project, _, project = heappop(self._projects)
        of_person, _, user = heappop(self._users[project])
        self._current, self._known = self._people[project, user].popleft(), (of_project, of_person)
        return self._current

    def took(self) -> None:
        """The last one got what it wanted."""
        self._known = None

    def _put_back(self) -> None:
        """Who was asked last gets in line again for the rest, by what they hold now."""
        if self._current is None:
            return
        project, user = self._current.project, self._current.user
        of_project, of_person = self._known or (
            self._shares.of_project(project),
            self._shares.of_person(project, user),
        )
        theirs, users = self._people[project, user], self._users[project]
        if theirs:
            heappush(users, (of_person, theirs[0].asked, user))
        if users:
            # The oldest claim of whoever is next in the project speaks for it.
            heappush(self._projects, (of_project, users[0][1], project))
        self._current = None
