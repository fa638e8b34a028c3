"""Output of programs without what only a terminal understands."""

import re

# Colours and cursor moves (CSI), titles and links (OSC), other escapes, control characters besides tab and line ends.
CODES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[@-_]|[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\x7f]"
)


def plain(text: str) -> str:
    """The text without colours and other codes."""
    return CODES.sub("", text)
