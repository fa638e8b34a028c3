"""News for whoever listens for long: somebody may do less, or more, than before."""

from mlplatform.http.live import publish

GROUP = "access"


def access_changed() -> None:
    """Have every open socket checked again when the current transaction commits.

    Call it after each change of a membership, a user, a session or a token, and after the deletion of a project or of
    what is in it.
    """
    publish([GROUP], {"what": GROUP})
