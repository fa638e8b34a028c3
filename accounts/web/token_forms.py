"""Forms of tokens. Limits are checked again by the service."""

from datetime import timedelta
from typing import Any

from django import forms

from accounts.models import Scope
from accounts.services.tokens import DEFAULT_DAYS, MAX_NAME

NEVER = "never"
AS_BEFORE = "before"
DAYS = (("7", "In 7 days"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year"))
GRACES = (("0", "At once"), ("1", "In an hour"), ("24", "In a day"), ("168", "In 7 days"))


def _days(chosen: str) -> int | None:
    return None if chosen in (NEVER, AS_BEFORE) else int(chosen)


class TokenForm(forms.Form):
    """A new API token."""

    name = forms.CharField(
        max_length=MAX_NAME,
        help_text="What it is for, such as “nightly sweep”.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        label="It may",
        choices=[
            (Scope.READ, "read"),
            (Scope.WRITE, "read, launch and control"),
            (Scope.ADMIN, "do everything that you can do"),
        ],
        initial=Scope.WRITE,
        help_text="As little as the script can do with.",
    )
    days = forms.TypedChoiceField(
        label="Expires",
        choices=[*DAYS, (NEVER, "Never (not advised)")],
        initial=str(DEFAULT_DAYS),
        coerce=_days,
        empty_value=DEFAULT_DAYS,  # type: ignore[arg-type]  # what `coerce` gives
        help_text="One that never expires opens the door for good to whoever finds it.",
    )


class ProjectTokenForm(TokenForm):
    """A new token of a project."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        scope = self.fields["scope"]
        assert isinstance(scope, forms.ChoiceField)
        scope.choices = [
            (Scope.READ, "read (as a viewer)"),
            (Scope.WRITE, "launch and control (as an editor)"),
            (Scope.ADMIN, "manage the project (as an owner)"),
        ]


class RotateForm(forms.Form):
    """A new text for a token."""

    grace = forms.TypedChoiceField(
        label="The old text dies",
        choices=GRACES,
        initial="0",
        coerce=lambda hours: timedelta(hours=int(hours)),
        help_text="At once if it may have leaked; later to change scripts one by one.",
    )
    days = forms.TypedChoiceField(
        label="The new one expires",
        choices=[(AS_BEFORE, "After as long as before"), *DAYS],
        initial=AS_BEFORE,
        coerce=_days,
        empty_value=None,
    )
