"""`mlp`: one command for people at a terminal."""

import argparse
import sys

import httpx
from rich.console import Console

from mlplatform.cli.client import ClientError
from mlplatform.cli.demo import demo
from mlplatform.cli.stack import StackFailed


def main() -> int:
    """Entry point; the exit code."""
    parser = argparse.ArgumentParser(prog="mlp", description="The mlplatform command.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("demo", help="train the digits example on a local stack and leave the portal up")
    parser.parse_args()
    try:
        return demo(Console())
    except (ClientError, StackFailed) as error:
        print(f"mlp: {error}", file=sys.stderr)
    except httpx.HTTPError as error:
        print(f"mlp: the portal does not answer: {error}", file=sys.stderr)
    return 1
