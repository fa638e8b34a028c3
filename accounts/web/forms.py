"""Forms of projects and people. Limits are checked again by the services."""

from typing import ClassVar

from django import forms

from accounts.models import Role
from accounts.services.invitations import DEFAULT_DAYS, MAX_USES


class ProjectForm(forms.Form):
    """A new project."""

    name = forms.CharField(
        max_length=100, widget=forms.TextInput(attrs={"autofocus": True, "autocomplete": "off"})
    )
    description = forms.CharField(
        max_length=2000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What is this team working on?",
    )


class ProfileForm(forms.Form):
    """What somebody says about themselves."""

    name = forms.CharField(
        label="Name",
        max_length=150,
        required=False,
        help_text="As others know you. You sign in with your user name or your email address.",
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
    )


class MemberForm(forms.Form):
    """Somebody who has an account here."""

    name = forms.CharField(
        label="User name or email address",
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    role = forms.ChoiceField(choices=Role.choices, initial=Role.EDITOR)


class PortalInvitationForm(forms.Form):
    """A link for somebody who may have no account yet."""

    DAYS: ClassVar = [(1, "1 day"), (7, "7 days"), (30, "30 days"), (90, "90 days")]

    email = forms.EmailField(
        label="Email address",
        required=False,
        help_text="The link is sent there. Leave it empty to hand the link over yourself.",
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
    )
    days = forms.TypedChoiceField(label="Valid for", choices=DAYS, coerce=int, initial=DEFAULT_DAYS)
    max_uses = forms.IntegerField(
        label="For how many people", min_value=1, max_value=MAX_USES, initial=1, required=False
    )

    def clean_max_uses(self) -> int:
        """One, unless somebody says otherwise."""
        return self.cleaned_data.get("max_uses") or 1


class InvitationForm(PortalInvitationForm):
    """The same, into a project."""

    role = forms.ChoiceField(choices=Role.choices, initial=Role.EDITOR)
    field_order = ("email", "role", "days", "max_uses")


class DeletionForm(forms.Form):
    """Typing the slug of a project, so that nobody deletes it by accident."""

    confirmation = forms.CharField(
        label="Type the project’s address to confirm",
        max_length=100,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
