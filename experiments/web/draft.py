"""What somebody has filled in for a new experiment whose code was replaced. One per session, until it is launched."""

from django.http import QueryDict

from accounts.web.access import SignedInRequest
from experiments.models import Bundle

KEY = "new_experiment"
# Of the page that they came from, or of a button.
NOT_KEPT = ("csrfmiddlewaretoken", "replace", "code")


def draft_keep(request: SignedInRequest, bundle: Bundle, fields: QueryDict) -> None:
    """Keep the fields for the form of this code."""
    kept = {name: values for name, values in fields.lists() if name not in NOT_KEPT}
    request.session[KEY] = {"bundle": str(bundle.pk), "fields": kept}


def draft_of(request: SignedInRequest, bundle: Bundle) -> QueryDict | None:
    """The fields that were kept for the form of this code."""
    kept = request.session.get(KEY)
    if kept is None or kept["bundle"] != str(bundle.pk):
        return None
    fields = QueryDict(mutable=True)
    for name, values in kept["fields"].items():
        fields.setlist(name, values)
    return fields


def draft_drop(request: SignedInRequest) -> None:
    """It is used."""
    request.session.pop(KEY, None)
