"""Template filters and tags that every page may use (a built-in library, see settings.TEMPLATES)."""

import math
from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import get_adapter
from django import template
from django.conf import settings
from django.forms.boundfield import BoundField
from django.utils.safestring import SafeString

register = template.Library()

RUN_COLORS = 10
# Each colour in three patterns.
RUN_LOOKS = 3 * RUN_COLORS
DASH = "–"


@register.filter
def number(value: Any) -> str:
    """A parameter or metric with sensible precision: four significant digits, no trailing zeros."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or value == "":
        return DASH
    if isinstance(value, float):
        return _float(value)
    return str(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if abs(value) >= 1000:
        return f"{value:.1f}"
    text = f"{value:.4g}"
    mantissa, exponent, power = text.partition("e")
    return f"{mantissa}e{int(power)}" if exponent else text


@register.filter
def deviation(value: float) -> str:
    """A standard deviation: two significant digits, as it is known no better."""
    return _float(float(f"{value:.2g}"))


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as the two largest units: 0.8 s, 42 s, 3 min 07 s, 2 h 05 min, 3 d 4 h."""
    if seconds is None or not math.isfinite(seconds):
        return DASH
    if seconds < 10:
        return f"{max(seconds, 0):.1f} s"
    whole = round(seconds)
    for unit, name, lower, lower_name in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= unit:
            return f"{whole // unit} {name} {whole % unit // lower:02d} {lower_name}"
    return f"{whole} s"


@register.filter
def binary_size(size: float | None) -> str:
    """Bytes in the largest binary unit: 0 B, 812 B, 1.5 KiB, 20 GiB."""
    if size is None:
        return DASH
    amount = float(size)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} B" if unit == "B" else f"{_float(float(f'{amount:.3g}'))} {unit}"
        amount /= 1024
    return f"{_float(float(f'{amount:.3g}'))} TiB"


@register.filter
def percent(part: float | None) -> str:
    """0.5 as 50 %; never 100 % before it is all."""
    return DASH if part is None else f"{min(math.floor(part * 100), 100)} %"


@register.filter
def run_color(run_number: int) -> str:
    """CSS classes of a run's colour: ten colours, then the same with another pattern. The chart does the same sum."""
    turn, color = divmod(run_number - 1, RUN_COLORS)
    return f"run-color-{color + 1} run-turn-{turn % (RUN_LOOKS // RUN_COLORS)}"


@register.filter
def basename(path: str) -> str:
    """The last part of a path."""
    return path.rpartition("/")[2]


@register.filter
def lookup(mapping: Mapping[Any, Any], key: Any) -> Any:
    """mapping[key], None if it is not there."""
    return mapping.get(key)


@register.filter
def attribute(thing: Any, name: str) -> Any:
    """The attribute of this name, None if there is no thing to have one."""
    return getattr(thing, name, None)


@register.simple_tag(takes_context=True)
def signup_is_open(context: template.Context) -> bool:
    """Whether whoever asks may create an account by themselves."""
    request = context["request"]
    return bool(get_adapter(request).is_open_for_signup(request))


@register.simple_tag
def mail_is_kept() -> bool:
    """Whether there is no mail server, so that only an administrator sees what is sent."""
    return bool(settings.EMAIL_BACKEND.endswith(".KeptBackend"))


@register.filter
def control(field: BoundField) -> SafeString:
    """The widget of a form field in the portal's look."""
    kind = getattr(field.field.widget, "input_type", "")
    css = {"checkbox": "form-check-input", "select": "form-select"}.get(kind, "form-control")
    return field.as_widget(attrs={"class": f"{css} is-invalid" if field.errors else css})
