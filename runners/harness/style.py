"""Which colours and the like hold at a place of an output, so that each line can be shown without the others."""

# What each code of an SGR sequence sets or ends.
_GROUPS: dict[int, tuple[str, ...]] = {
    **dict.fromkeys([*range(30, 40), *range(90, 98)], ("foreground",)),
    **dict.fromkeys([*range(40, 50), *range(100, 108)], ("background",)),
    **{code: (str(code),) for code in (1, 2, 3, 4, 5, 7, 8, 9)},
    **{code + 20: (str(code),) for code in (3, 4, 5, 7, 8, 9)},
    21: ("4",),
    22: ("1", "2"),
}
_ENDS = frozenset({22, 23, 24, 25, 27, 28, 29, 39, 49})
# 38;5;n and 38;2;r;g;b.
_EXTENDED = {38, 48}
_ARGUMENTS = {"5": 2, "2": 4}

Style = dict[str, str]


def restyled(style: Style, parameters: str) -> Style:
    """The style after an SGR sequence with these parameters."""
    style = dict(style)
    codes = parameters.split(";")
    while codes:
        code = codes.pop(0)
        first = code.partition(":")[0] or "0"
        number = int(first) if first.isdecimal() else -1
        if number == 0:
            style = {}
        if number in _EXTENDED and ":" not in code and codes:
            taken = _ARGUMENTS.get(codes[0], 1)
            code = ";".join([code, *codes[:taken]])
            del codes[:taken]
        for group in _GROUPS.get(number, ()):
            if number in _ENDS:
                style.pop(group, None)
            else:
                style[group] = code
    return style


def sequence(style: Style) -> str:
    """The SGR sequence that sets it, beginning without any."""
    return f"\x1b[{';'.join(style.values())}m" if style else ""
