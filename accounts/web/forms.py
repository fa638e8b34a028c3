"""Forms of projects and people. Limits are checked again by the services."""

from django import forms


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
