"""What a terminal would show of a program's output: no escape codes, and of a progress bar only its last state."""

import re

# Colours and cursor moves (CSI), titles and links (OSC), other escapes, control characters besides tab and line ends.
CODES = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-_]|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]"
)


def readable(text: str) -> str:
    """The text without codes; in each line what follows the last carriage return that something follows."""
    lines = CODES.sub("", text).split("\n")
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in lines)
