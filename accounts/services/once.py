"""Requests that make something are answered once: sent again under the same key, they get the same answer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.db import transaction

from accounts.models import AnsweredRequest, User
from mlplatform.kernel import clock
from mlplatform.kernel.errors import Conflict, InvalidInput

HEADER = "Idempotency-Key"
MAX_KEY = 200
KEPT_FOR = timedelta(days=1)


@dataclass(frozen=True)
class Sent:
    """A request that wants to be answered once: who sent it under which key, and the digest of all that it says."""

    user: User
    key: str
    digest: str


@dataclass(frozen=True)
class Answer:
    """What was said. `status` 0: nothing was made, so nothing is kept."""

    status: int
    body: str = ""


@transaction.atomic
def once(sent: Sent, make: Callable[[], Answer]) -> tuple[Answer, bool]:
    """The answer of `make`, or the one that the same request had before (True). An error of `make` is not kept.

    Whoever comes second waits for the first. Raises Conflict if the key was used for another request.
    """
    _check(sent)
    row, is_first = AnsweredRequest.objects.get_or_create(
        user=sent.user, key=sent.key, defaults={"digest": sent.digest}
    )
    if not is_first:
        return _answer(row, sent), True
    answer = make()
    if answer.status:
        row.status, row.answer = answer.status, answer.body
        row.save(update_fields=["status", "answer"])
    else:
        row.delete()
    return answer, False


def once_slowly(sent: Sent, make: Callable[[], Answer]) -> tuple[Answer, bool]:
    """The same for what takes long outside of the database, and what may be made twice at the same moment."""
    _check(sent)
    if row := AnsweredRequest.objects.filter(user=sent.user, key=sent.key).first():
        return _answer(row, sent), True
    answer = make()
    return once(sent, lambda: answer)


def answers_forget() -> None:
    """Drop what is older than a day: nobody sends it again."""
    AnsweredRequest.objects.filter(created_at__lt=clock.now() - KEPT_FOR).delete()


def _check(sent: Sent) -> None:
    if not 0 < len(sent.key) <= MAX_KEY:
        raise InvalidInput(
            f"{HEADER} has {len(sent.key)} characters; 1 to {MAX_KEY} fit, such as a UUID.", field=HEADER
        )


def _answer(row: AnsweredRequest, sent: Sent) -> Answer:
    if row.digest != sent.digest:
        raise Conflict(
            f"The {HEADER} {sent.key!r} was sent with another request; "
            "use a new one for each request, and the same one only to repeat it.",
            field=HEADER,
        )
    return Answer(row.status, row.answer)
