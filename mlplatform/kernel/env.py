"""The one reader of the environment: every `MLP_` variable is declared here and documented in docs/settings.md."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlplatform.kernel.errors import ConfigurationError

REQUIRED = object()
HOST = re.compile(r"[a-z0-9._-]+(:[0-9]{1,5})?")
LOOPBACK = ("localhost", "127.0.0.1", "::1")
# Of group-to-role mappings; the roles of projects are those of accounts.models.Role.
ROLES = ("viewer", "editor", "owner")
ADMIN = "admin"
VERSION = re.compile(r"\s*[0-9][0-9A-Za-z.+!-]*\s*")


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if urlsplit(text).scheme not in schemes:
            raise ValueError(f"expected a URL that starts with {' or '.join(s + ':' for s in schemes)}")
        return text.rstrip("/") if "http" in schemes else text

    return parse


def _choice(*choices: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return text

    return parse


def _flag(text: str) -> bool:
    return _choice("0", "1")(text) == "1"


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise ValueError("expected a number that is not negative")
    return number


def _hosts(text: str) -> frozenset[str]:
    hosts = frozenset(host.strip().lower() for host in text.split(",") if host.strip())
    for host in hosts:
        if not HOST.fullmatch(host):
            raise ValueError(f"{host!r} is not a host or host:port")
    return hosts


def _versions(text: str) -> dict[str, str]:
    found = {}
    for part in filter(None, map(str.strip, text.split(","))):
        name, _, version = part.partition("==")
        if not VERSION.fullmatch(version):
            raise ValueError(f"{part!r} is not name==version")
        found[name.strip().lower()] = version.strip()
    return found


def _issuer(text: str) -> str:
    parts = urlsplit(_url("http", "https")(text))
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        raise ValueError("expected https: whoever is on the way could sign in as anybody")
    return text.rstrip("/")


def _mail(text: str) -> str:
    parts = urlsplit(_url("smtp", "smtp+tls", "smtps")(text))
    if not parts.hostname:
        raise ValueError("expected smtp://, smtp+tls:// or smtps://user:password@host:port")
    if parts.port == 0:  # `port` itself raises ValueError for what is no number
        raise ValueError("there is no port 0")
    return text


def _groups(text: str) -> tuple[tuple[str, str, str], ...]:
    found = []
    for part in filter(None, map(str.strip, text.split(","))):
        group, _, what = part.rpartition("=")
        project, _, role = what.strip().rpartition(":")
        known = role in ROLES if project else role == ADMIN
        if not group.strip() or not known:
            raise ValueError(
                f"{part!r} is neither group={ADMIN} nor group=project:role with a role of {', '.join(ROLES)}"
            )
        found.append((group.strip(), project, role))
    return tuple(found)


@dataclass(frozen=True)
class Variable:
    """One environment variable. `secret` ones accept a twin NAME_FILE that holds the value."""

    name: str
    help: str
    parse: Callable[[str], Any] = str
    default: Any = REQUIRED
    secret: bool = False


VARIABLES = (
    Variable("MLP_SECRET_KEY", "Key that signs sessions and links.", secret=True),
    Variable(
        "MLP_DATABASE_URL",
        "PostgreSQL, as postgresql://user:password@host/name.",
        _url("postgresql"),
        secret=True,
    ),
    Variable(
        "MLP_VALKEY_URL",
        "Valkey or Redis: broker, channel layer, cache.",
        _url("redis", "rediss", "unix"),
        secret=True,
    ),
    Variable("MLP_MLFLOW_URL", "MLflow tracking server, reached by the worker only.", _url("http", "https")),
    Variable("MLP_RAY_ADDRESS", "Ray Jobs API (the head's dashboard address).", _url("http", "https")),
    Variable("MLP_RAY_TOKEN", "Token of the Ray cluster's own authentication.", default="", secret=True),
    Variable("MLP_RAY_CPUS", "CPUs that allocations may hold on the Ray cluster.", _count),
    Variable("MLP_RAY_GPUS", "GPUs that allocations may hold on the Ray cluster.", _count, 0),
    Variable(
        "MLP_RAY_MEMORY",
        "GiB of memory that allocations may hold on the Ray cluster; 0: not counted.",
        _count,
        0,
    ),
    Variable(
        "MLP_RAY_PACKAGES",
        "Ray and PyTorch of the cluster, as ray==2.60.0,torch==2.13.0; unset: what its workers told last.",
        _versions,
        "",
    ),
    Variable(
        "MLP_PREEMPTION",
        "1: runs may be stopped at a checkpoint for runs of higher priority; 0: only those of projects marked so.",
        _flag,
        False,
    ),
    Variable(
        "MLP_QUEUE_TURN_SECONDS",
        "Seconds for which workers are kept before they are handed over to others who wait, or preempted.",
        _count,
        300,
    ),
    Variable(
        "MLP_QUEUE_PATIENCE_SECONDS",
        "Seconds after which whoever waits is not overtaken by smaller ones any more.",
        _count,
        3600,
    ),
    Variable("MLP_STORAGE", "Folder or fsspec URL for bundles, packages and checkpoints."),
    Variable("MLP_PORTAL_URL", "URL by which browsers reach the portal.", _url("http", "https")),
    Variable(
        "MLP_HARNESS_URL",
        "URL by which training jobs reach the portal (default: MLP_PORTAL_URL).",
        _url("http", "https"),
        None,
    ),
    Variable(
        "MLP_SIGNUP",
        "Who may create an account: open, invite (with an invitation only) or closed.",
        _choice("open", "invite", "closed"),
        "open",
    ),
    Variable(
        "MLP_TRUSTED_PROXIES",
        "Proxies in front whose X-Forwarded-For is believed, for limits of tries and the audit.",
        _count,
        0,
    ),
    Variable(
        "MLP_EMAIL_URL",
        "Mail server, as smtp+tls://user:password@host:587 (or smtps:, smtp:); unset: mail is kept for administrators.",
        _mail,
        "",
        secret=True,
    ),
    Variable("MLP_EMAIL_FROM", "Sender of mail; unset: noreply@ the host of MLP_PORTAL_URL.", default=""),
    Variable(
        "MLP_EMAIL_VERIFICATION",
        "Whether new e-mail addresses are checked by mail: none, optional or mandatory (before the first sign-in).",
        _choice("none", "optional", "mandatory"),
        "none",
    ),
    Variable(
        "MLP_OIDC_URL",
        "Issuer of OpenID Connect, such as https://sso.example.org/realms/ml; unset: people sign in with passwords.",
        _issuer,
        "",
    ),
    Variable("MLP_OIDC_CLIENT_ID", "The portal's name at the issuer.", default=""),
    Variable("MLP_OIDC_CLIENT_SECRET", "The portal's secret at the issuer.", default="", secret=True),
    Variable("MLP_OIDC_NAME", "Words on the button of the sign-in page.", default="single sign-on"),
    Variable("MLP_OIDC_SCOPE", "Scopes that are asked for.", default="openid profile email"),
    Variable(
        "MLP_OIDC_SIGNUP",
        "1: whoever the issuer lets in gets an account, whatever MLP_SIGNUP says.",
        _flag,
        True,
    ),
    Variable(
        "MLP_OIDC_TRUST_EMAIL",
        "1: an address that the issuer has verified opens the account that has it. Only for an issuer of your own.",
        _flag,
        False,
    ),
    Variable("MLP_OIDC_GROUPS_CLAIM", "Claim with the person's groups.", default="groups"),
    Variable(
        "MLP_OIDC_GROUPS",
        "What groups give, as ml-admins=admin,vision-team=vision:editor (group=project:role).",
        _groups,
        "",
    ),
    Variable(
        "MLP_GIT_HOSTS",
        "Git servers (host or host:port, comma-separated) that may have a private address and plain http.",
        _hosts,
        "",
    ),
    Variable(
        "MLP_API_RATE",
        "Calls of the REST API that one token, or one person's browser, may make in a minute. 0: as many as it likes.",
        _count,
        1200,
    ),
    Variable(
        "MLP_KEEP_POINTS_MONTHS",
        "Months for which the points of a run are kept after that of its creation; summaries stay. 0: for ever.",
        _count,
        0,
    ),
    Variable(
        "MLP_SYSTEM_METRICS_SECONDS",
        "Seconds between two samples of what each worker uses of its machine. 0: none are taken.",
        _count,
        10,
    ),
    Variable(
        "MLP_STATIC_ROOT",
        "Folder where collectstatic puts files.",
        Path,
        Path(__file__).parents[2] / "static" / "collected",
    ),
    Variable("MLP_DEBUG", "1 shows Django's debug pages; never on a shared portal.", _flag, False),
)


def read(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return every variable by name, parsed.

    Raises ConfigurationError naming all that is missing or malformed, so that one restart fixes everything.
    """
    values: dict[str, Any] = {}
    problems: list[str] = []
    for variable in VARIABLES:
        try:
            values[variable.name] = _read_one(variable, environ)
        except (ValueError, OSError) as error:
            problems.append(f"{variable.name}: {error}")
    if problems:
        raise ConfigurationError("The environment is not usable:\n  " + "\n  ".join(problems))
    return values


def _read_one(variable: Variable, environ: Mapping[str, str]) -> Any:
    text = environ.get(variable.name)
    path = environ.get(f"{variable.name}_FILE") if variable.secret else None
    if text and path:
        raise ValueError(f"is set twice, here and as {variable.name}_FILE; remove one")
    if path:
        text = Path(path).read_text().strip()
    if text:
        return variable.parse(text)
    if variable.default is REQUIRED:
        raise ValueError(f"is missing. {variable.help}")
    return variable.default
