"""The parser of `mlp`: verbs that say what they do and give an example."""

import argparse
from collections.abc import Callable

from mlplatform.cli.terminal import Terminal

# Returns the exit code; None is 0.
Command = Callable[[argparse.Namespace, Terminal], int | None]


class Verbs:
    """Where the modules of `commands` register what they can do."""

    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

    def add(
        self, name: str, command: Command, help: str, *examples: str, json: bool = False
    ) -> argparse.ArgumentParser:
        """A verb. `json` gives it the option --json."""
        parser = self._verbs.add_parser(
            name,
            help=help,
            description=f"{help[0].upper()}{help[1:]}.",
            epilog="\n".join(["example:", *(f"  {example}" for example in examples)]),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        parser.set_defaults(command=command)
        if json:
            parser.add_argument("--json", action="store_true", help="print the portal's answer as JSON")
        return parser
