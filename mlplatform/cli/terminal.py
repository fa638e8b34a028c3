"""What every command is given: the portal to ask and the terminal to answer on."""

import json
import sys
from collections.abc import Mapping
from typing import Any, Protocol

from rich.console import Console, RenderableType

from mlplatform.cli import login
from mlplatform.cli.client import PortalClient


class Connect(Protocol):
    """How a client is made."""

    def __call__(self, url: str, token: str = "") -> PortalClient:
        """A client of the portal at `url`."""


class Terminal:
    """Tables and sentences go to standard output, warnings to standard error; colour only where it is a terminal."""

    def __init__(self, environ: Mapping[str, str], connect: Connect) -> None:
        self.environ = environ
        self.connect = connect
        self.console = Console(highlight=False)
        self._errors = Console(stderr=True, highlight=False)

    def portal(self) -> PortalClient:
        """The portal as the user who is logged in. Raises UsageError if nobody is."""
        found = login.current(self.environ)
        return self.connect(found.url, found.token)

    def show(self, content: RenderableType) -> None:
        """Print a table or the like."""
        self.console.print(content)

    def say(self, sentence: str) -> None:
        """Print a sentence as it is: what people named may look like markup, and an address must stay whole."""
        self.console.print(sentence, markup=False, soft_wrap=True)

    def warn(self, sentence: str) -> None:
        """The same on standard error."""
        self._errors.print(f"mlp: {sentence}", markup=False, soft_wrap=True)

    def agrees(self, question: str) -> bool:
        """Whether somebody answers yes; nobody there is no."""
        try:
            return input(f"{question} Type yes: ").strip().lower() == "yes"
        except EOFError:
            return False

    def json(self, content: Any) -> None:
        """Print what the portal has answered."""
        print(json.dumps(content, indent=2, ensure_ascii=False))

    def write(self, text: str) -> None:
        """Print output of training code, byte by byte as it was printed there."""
        sys.stdout.write(text)
        sys.stdout.flush()
