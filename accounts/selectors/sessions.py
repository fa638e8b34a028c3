"""Reading who is signed in where."""

import re
from dataclasses import dataclass
from datetime import datetime

from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from accounts.models import User
from mlplatform.kernel import clock

# The first that is found says it: others call themselves what they are not, besides.
BROWSERS = (
    ("Edge", r"Edg(?:e|A|iOS)?/(\d+)"),
    ("Opera", r"OPR/(\d+)"),
    ("Samsung Internet", r"SamsungBrowser/(\d+)"),
    ("Firefox", r"(?:Firefox|FxiOS)/(\d+)"),
    ("Chrome", r"(?:Chrome|CriOS)/(\d+)"),
    ("Safari", r"Version/(\d+)[\d.]* (?:Mobile/\w+ )?Safari/"),
)
SYSTEMS = (
    ("iPhone", r"iPhone"),
    ("iPad", r"iPad"),
    ("Android", r"Android"),
    ("Windows", r"Windows"),
    ("macOS", r"Mac OS X"),
    ("ChromeOS", r"CrOS"),
    ("Linux", r"Linux"),
)


@dataclass(frozen=True)
class SignedIn:
    """A browser in which somebody is signed in."""

    id: int
    browser: str
    address: str
    since: datetime
    seen: datetime
    is_current: bool


def sessions_of(user: User, current: str | None) -> list[SignedIn]:
    """The person's sessions that are still good, the current one first, then by use. Two queries."""
    found = list(UserSession.objects.filter(user=user).order_by("-last_seen_at", "-pk"))
    keys = [session.session_key for session in found]
    good = Session.objects.filter(session_key__in=keys, expire_date__gt=clock.now())
    kept = set(good.values_list("session_key", flat=True))
    listed = [
        SignedIn(
            id=session.pk,
            browser=browser_name(session.user_agent),
            address=session.ip,
            since=session.created_at,
            seen=session.last_seen_at,
            is_current=session.session_key == current,
        )
        for session in found
        if session.session_key in kept
    ]
    return sorted(listed, key=lambda session: not session.is_current)


def browser_name(agent: str) -> str:
    """A User-Agent header as people say it: Firefox 140 on Linux."""
    found = ((name, re.search(pattern, agent)) for name, pattern in BROWSERS)
    browser = next((f"{name} {match[1]}" for name, match in found if match), "")
    system = next((name for name, pattern in SYSTEMS if re.search(pattern, agent)), "")
    if browser and system:
        return f"{browser} on {system}"
    return browser or system or agent.strip()[:60] or "An unnamed program"
