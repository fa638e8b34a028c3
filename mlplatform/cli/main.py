"""`mlp`: one command for people at a terminal."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence

import httpx

from mlplatform.cli.client import ClientError, PortalClient
from mlplatform.cli.commands import account, control, launch, logs, look, runs, token, watch
from mlplatform.cli.demo import demo
from mlplatform.cli.errors import UsageError
from mlplatform.cli.folder import FolderError
from mlplatform.cli.stack import StackFailed
from mlplatform.cli.terminal import Connect, Terminal
from mlplatform.cli.verbs import Verbs

REFUSED = 1
USAGE = 2
UNREACHABLE = 3
# As shells have them for Ctrl-C and for a reader that has gone.
INTERRUPTED = 130
PIPE_CLOSED = 141
# Options whose value may begin with a dash.
DASHED = ("--sort", "--target")

EPILOG = """example:
  mlp login http://127.0.0.1:8000
  mlp launch example:digits --set lr=0.1,0.01 --watch
  mlp runs vision/digits --sort -metrics.accuracy

EXPERIMENT is project/experiment as in the page's address (or that address, or an id); RUN is a number.
Exit codes: 0 done, 1 the portal refused, 2 the command makes no sense, 3 the portal does not answer.
"""


def build_parser() -> argparse.ArgumentParser:
    """The parser with every verb."""
    parser = argparse.ArgumentParser(
        prog="mlp",
        description="Train, compare and keep models from a terminal.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    verbs = Verbs(parser)
    for noun in (account, token, look, launch, watch, logs, control, runs):
        noun.register(verbs)
    verbs.add(
        "demo",
        lambda args, terminal: demo(terminal.console),
        "train the digits example on a local stack and leave the portal up",
        "mlp demo",
    )
    return parser


def main(
    argv: Sequence[str] | None = None,
    *,
    environ: Mapping[str, str] = os.environ,
    connect: Connect = PortalClient,
) -> int:
    """Entry point; the exit code. A command line that cannot be parsed ends in SystemExit(2), as usual."""
    args = build_parser().parse_args(_joined(sys.argv[1:] if argv is None else argv))
    terminal = Terminal(environ, connect)
    try:
        return args.command(args, terminal) or 0
    except (UsageError, ClientError, FolderError, StackFailed, httpx.HTTPError) as error:
        words, code = _ended(error, args.verb)
        terminal.warn(words)
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # What is still buffered would raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED


def _ended(error: Exception, verb: str) -> tuple[str, int]:
    """What to say, and the exit code."""
    match error:
        case UsageError():
            return str(error), USAGE
        case ClientError(status=401) if verb != "login":
            return f"{error} Log in again: mlp login URL", REFUSED
        case httpx.HTTPError():
            asked = str(error.request.url).partition("/api/v1")[0]
            return f"The portal at {asked} does not answer: {error}", UNREACHABLE
        case _:
            return str(error), REFUSED


def _joined(argv: Sequence[str]) -> list[str]:
    """`--sort -metrics.x` as `--sort=-metrics.x`: argparse takes what begins with a dash for an option."""
    joined: list[str] = []
    for word in argv:
        if joined and joined[-1] in DASHED:
            joined[-1] += f"={word}"
        else:
            joined.append(word)
    return joined
