"""From an error of a service to the field of the form that caused it."""

from django.forms import BaseForm

from mlplatform.kernel.errors import PlatformError


def show_error(error: PlatformError, *forms: BaseForm) -> None:
    """Put the message at its field in whichever form has it, else above the first form. The forms must be bound."""
    for form in forms:
        if error.field in form.fields:
            form.add_error(error.field, error.message)
            return
    forms[0].add_error(None, error.message)
