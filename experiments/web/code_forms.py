"""The form that fetches training code from Git. Its fields are named as the service names them in its errors."""

from django import forms

from experiments.sources.address import MAX_CHARACTERS
from experiments.sources.git import MAX_PATH, MAX_REVISION


def _plain(**attributes: str) -> forms.TextInput:
    return forms.TextInput(
        attrs={"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", **attributes}
    )


class GitForm(forms.Form):
    """Where to fetch from."""

    git_url = forms.CharField(
        max_length=MAX_CHARACTERS,
        label="Repository",
        help_text="The https address of a public repository.",
        widget=_plain(inputmode="url", placeholder="https://host/team/code.git"),
    )
    git_revision = forms.CharField(
        max_length=MAX_REVISION,
        required=False,
        label="Revision",
        help_text="Branch, tag or full commit id.",
        widget=_plain(placeholder="default branch"),
    )
    git_path = forms.CharField(
        max_length=MAX_PATH,
        required=False,
        label="Folder",
        help_text="If the code is not at the top.",
        widget=_plain(placeholder="whole repository"),
    )
