"""`mlp token ls`, `create`, `rotate`, `revoke`: tokens for scripts, of a person or of a project."""

import argparse
from collections.abc import Callable

from mlplatform.cli import tables
from mlplatform.cli.client import Json
from mlplatform.cli.errors import UsageError
from mlplatform.cli.terminal import Terminal
from mlplatform.cli.verbs import Verbs
from mlplatform.cli.words import when

SCOPES = ("read", "write", "admin")
NEVER = "never"
DEFAULT_DAYS = 90


def register(verbs: Verbs) -> None:
    """Add the verbs of this module."""
    parser = verbs.add(
        "token",
        lambda args, terminal: args.token_command(args, terminal),
        "list, create, rotate and revoke tokens for scripts",
        "mlp token ls",
        "mlp token create nightly --scope read --days 30",
        "mlp token create pipeline -p vision > token.txt",
        "mlp token rotate 7 --grace 24",
        "mlp token revoke 7",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def action(
        name: str, command: Callable[[argparse.Namespace, Terminal], None], help: str
    ) -> argparse.ArgumentParser:
        made = actions.add_parser(
            name, help=help, description=f"{help[0].upper()}{help[1:]}.", allow_abbrev=False
        )
        made.set_defaults(token_command=command)
        made.add_argument("--json", action="store_true", help="print the portal's answer as JSON")
        return made

    listing = action("ls", show, "show your tokens, or those of a project")
    making = action("create", create, "make a token; its text is printed, this once")
    making.add_argument("name", metavar="NAME", help="what it is for")
    making.add_argument(
        "--scope", choices=SCOPES, default="write", help="how much it can do (default: write)"
    )
    making.add_argument(
        "--days",
        type=days,
        default=DEFAULT_DAYS,
        metavar="N",
        help=f"until it expires, or {NEVER} (default: {DEFAULT_DAYS})",
    )
    rotating = action("rotate", rotate, "give a token a new text; it is printed, this once")
    rotating.add_argument("id", type=int, metavar="ID", help="its number in `mlp token ls`")
    rotating.add_argument(
        "--grace", type=int, default=0, metavar="HOURS", help="the old text works so long (default: 0)"
    )
    rotating.add_argument(
        "--days", type=int, metavar="N", help="until the new one expires (default: as long as before)"
    )
    revoking = action("revoke", revoke, "end a token at once")
    revoking.add_argument("id", type=int, metavar="ID", help="its number in `mlp token ls`")
    for with_project in (listing, making, revoking):
        with_project.add_argument("-p", "--project", metavar="PROJECT", help="of this project, which you own")


def days(text: str) -> int | None:
    """A number of days, or never."""
    return None if text == NEVER else int(text)


def show(args: argparse.Namespace, terminal: Terminal) -> None:
    """Ask the portal."""
    found: list[Json] = terminal.portal().get(f"{_place(args)}/tokens/")
    if args.json:
        return terminal.json(found)
    return terminal.show(tables.tokens(found))


def create(args: argparse.Namespace, terminal: Terminal) -> None:
    """Print the text alone, so that it can go into a file; the rest is for the eye."""
    if not args.name.strip():
        raise UsageError("A token needs a name, such as the script it is for.")
    body = {"name": args.name, "scope": args.scope, "days": args.days}
    _tell(terminal.portal().post(f"{_place(args)}/tokens/", body), args, terminal)
    if args.days is None and not args.json:
        terminal.warn("It never expires: whoever finds it can use it until somebody revokes it.")


def rotate(args: argparse.Namespace, terminal: Terminal) -> None:
    """The same for a new text."""
    body: Json = {"grace_hours": args.grace}
    if args.days is not None:
        body["days"] = args.days
    made = terminal.portal().post(f"/tokens/{args.id}/rotate/", body)
    _tell(made, args, terminal)
    if made["old_until"] and not args.json:
        terminal.warn(f"The old text works until {when(made['old_until'])}.")


def revoke(args: argparse.Namespace, terminal: Terminal) -> None:
    """Nothing works with it any more."""
    terminal.portal().delete(f"{_place(args)}/tokens/{args.id}/")
    if args.json:
        return terminal.json({"revoked": args.id})
    return terminal.say(f"Token {args.id} is revoked.")


def _place(args: argparse.Namespace) -> str:
    return f"/projects/{args.project}" if args.project else ""


def _tell(made: Json, args: argparse.Namespace, terminal: Terminal) -> None:
    if args.json:
        terminal.json(made)
        return
    print(made["token"])
    expiry = f"expires {when(made['expires_at'])}" if made["expires_at"] else "never expires"
    terminal.warn(f"Token {made['id']} ({made['scope']}) {expiry}; it is not shown again.")
