"""`mlp login`, `logout`, `whoami`: which portal, and as whom."""

import argparse
import getpass
import platform
import sys

from mlplatform.cli import login
from mlplatform.cli.client import ClientError, Json, PortalClient
from mlplatform.cli.errors import UsageError
from mlplatform.cli.login import Login
from mlplatform.cli.terminal import Terminal
from mlplatform.cli.verbs import Verbs
from mlplatform.cli.words import when


def register(verbs: Verbs) -> None:
    """Add the verbs of this module."""
    parser = verbs.add(
        "login",
        sign_in,
        "remember a portal and a token for it",
        "mlp login https://ml.example.org",
        "mlp login http://127.0.0.1:8000 --user demo --password - < ~/.local/share/mlplatform/secrets/demo_password",
    )
    parser.add_argument("url", metavar="URL", help="address of the portal")
    parser.add_argument("--user", metavar="NAME", help="user name or e-mail address; asked for if left out")
    parser.add_argument("--code", help="code of the second factor; asked for if the account has one")
    secret = parser.add_mutually_exclusive_group()
    secret.add_argument(
        "--password",
        metavar="-",
        choices="-",
        help="read the password from standard input; else it is asked for",
    )
    secret.add_argument(
        "--token",
        metavar="-",
        choices="-",
        help="read a token, made on the page API tokens, from standard input",
    )
    verbs.add("logout", sign_out, "end the token and forget it", "mlp logout")
    verbs.add("whoami", who, "show which portal is used, and as whom", "mlp whoami", json=True)


def sign_in(args: argparse.Namespace, terminal: Terminal) -> None:
    """Get a token, try it, keep it."""
    url = login.portal_url(args.url)
    if login.is_open(url):
        terminal.warn(f"The way to {url} is not encrypted: others on the network can read what you send.")
    if args.token:
        token = _line("token")
    else:
        user = args.user or input("User name: ")
        password = _line("password") if args.password else getpass.getpass("Password: ")
        token = _token(args, terminal.connect(url), user, password)
    user = terminal.connect(url, token).get("/me/")["username"]
    path = login.keep(terminal.environ, Login(url, token))
    terminal.say(f"Logged in to {url} as {user}. The token is in {path}.")
    for variable in (login.URL_VARIABLE, login.TOKEN_VARIABLE):
        if terminal.environ.get(variable):
            terminal.warn(f"{variable} is set and goes before this login.")


def _token(args: argparse.Namespace, portal: PortalClient, user: str, password: str) -> str:
    """Ask for the code of the second factor only where there is one, and somebody to ask."""
    name = f"mlp on {platform.node()}"[:100]
    try:
        return portal.sign_in(user, password, name, code=args.code or "")
    except ClientError as error:
        if error.code != "second_factor_required" or args.code or args.password:
            raise
    code = input("Code of your authenticator app, or a recovery code: ")
    return portal.sign_in(user, password, name, code=code.strip())


def sign_out(args: argparse.Namespace, terminal: Terminal) -> None:
    """End the token at the portal, unless it is dead already, and remove the file."""
    known = login.stored(terminal.environ)
    if known is None:
        raise UsageError("Nobody is logged in.")
    try:
        terminal.connect(known.url, known.token).sign_out()
    except ClientError as error:
        if error.status != 401:
            raise
    login.forget(terminal.environ)
    terminal.say(f"Logged out of {known.url}.")


def who(args: argparse.Namespace, terminal: Terminal) -> None:
    """Ask the portal."""
    portal = terminal.portal()
    user = portal.get("/me/")
    if args.json:
        return terminal.json({**user, "url": portal.url})
    return terminal.say(
        f"{user['username']} at {portal.url}"
        + (", administrator" if user["is_admin"] else "")
        + (_limits(user["token"]) if user["token"] else "")
    )


def _limits(token: Json) -> str:
    """What the token leaves, and until when."""
    where = f" in {token['project']} only" if token["project"] else ""
    until = f" until {when(token['expires_at'])}" if token["expires_at"] else ""
    return f", token {token['prefix']}… ({token['scope']}{where}){until}"


def _line(what: str) -> str:
    text = sys.stdin.readline().strip("\r\n")
    if not text:
        raise UsageError(f"There is no {what} on standard input.")
    return text
