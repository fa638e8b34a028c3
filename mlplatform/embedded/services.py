"""What runs in the embedded stack: one declaration per process."""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from mlplatform.embedded import postgres, probes, valkey
from mlplatform.embedded.home import Home
from mlplatform.embedded.ports import LOOPBACK, WEB

CODE = Path(__file__).resolve().parents[2]
DATABASES = ("mlplatform", "mlflow")
# Named after the options of `ray start`. All are given, so that none is Ray's default, which others may hold.
RAY_PORTS = (
    "ray_port",
    "ray_ray_client_server_port",
    "ray_node_manager_port",
    "ray_object_manager_port",
    "ray_dashboard_port",
    "ray_dashboard_agent_listen_port",
    "ray_dashboard_agent_grpc_port",
    "ray_runtime_env_agent_port",
    "ray_metrics_export_port",
)
PORTS = (WEB, "mlflow", *RAY_PORTS)
# Ray replaces 127.0.0.1 by the address of the network card, which changes when a laptop changes its network. Any other
# loopback address is left alone.
RAY_NODE_ADDRESS = "127.0.0.2"
RAY_OBJECT_STORE_BYTES = 256 * 2**20
# Settings of the portal, or how they begin, that an operator may give to the stack too; all others are made here.
PASSED_ON = tuple(
    f"MLP_{name}"
    for name in (
        *("SIGNUP", "DEBUG", "STATIC_ROOT", "KEEP_POINTS_MONTHS", "SYSTEM_METRICS_SECONDS", "GIT_HOSTS"),
        *("API_RATE", "PREEMPTION", "QUEUE_TURN_SECONDS", "QUEUE_PATIENCE_SECONDS", "EMAIL_", "OIDC_"),
    )
)
# Variables of the operator's shell that would point our children at somebody else's servers.
DROPPED = ("RAY_ADDRESS", "RAY_AUTH_TOKEN", "MLFLOW_TRACKING_URI", "DJANGO_SETTINGS_MODULE")
# Settings of other portals; of the clients and servers of PostgreSQL (PGHOST, PGPORT, PGOPTIONS, …).
DROPPED_PREFIXES = ("MLP_", "PG")


@dataclass(frozen=True)
class Service:
    """One process: how to start it, when it is well, how to end it."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    environment: Mapping[str, str]
    address: str = ""
    probe: probes.Probe = probes.alive
    after: tuple[str, ...] = ()
    prepare: Callable[[], None] | None = None
    stop_signal: signal.Signals = signal.SIGTERM
    grace_s: float = 10.0
    once: bool = False
    # Numbers of open files that the process gets, such as a listening socket.
    inherited: tuple[int, ...] = ()


def portal_url(ports: Mapping[str, int]) -> str:
    """Where browsers find the portal."""
    return f"http://{LOOPBACK}:{ports[WEB]}"


def declare(
    home: Home, ports: Mapping[str, int], listener: int, environ: Mapping[str, str]
) -> tuple[Service, ...]:
    """All services of the stack, each after those that it needs. `listener` is the web's socket."""
    base = _base_environment(environ)
    portal = {**base, **_portal_environment(home, ports, environ)}
    return (
        _postgres(home, base),
        _valkey(home, base),
        _setup(home, portal),
        _web(ports, listener, portal),
        Service("worker", (_worker(),), portal, after=("setup",)),
        Service("clock", (_python("mlplatform.clock"),), portal, after=("setup",)),
        _ray(home, ports, base),
        _mlflow(home, ports, base),
    )


def cpus() -> int:
    """Logical CPUs that Ray offers: at least two, so that a run with two workers fits on every machine."""
    return max(2, os.cpu_count() or 1)


def gpus() -> int:
    """NVIDIA devices of this machine."""
    return len([device for device in Path("/dev").glob("nvidia[0-9]*") if device.name[6:].isdigit()])


def memory_gib() -> int:
    """Memory that Ray offers to those who claim it: most of what this machine or container has."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = Path("/sys/fs/cgroup/memory.max")
    if limit.is_file() and (text := limit.read_text().strip()).isdigit():
        there = min(there, int(text))
    return max(1, int(there * 0.8 / 2**30))


def _postgres(home: Home, base: Mapping[str, str]) -> Service:
    data, sockets = home / "postgres", home.runtime / "postgres"

    def prepare() -> None:
        postgres.prepare_folder(sockets)
        postgres.initialise(data, DATABASES, environment=base)

    return Service(
        "postgres",
        (tuple(postgres.command(data, sockets)),),
        base,
        address=str(sockets),
        probe=probes.postgres(data, sockets),
        prepare=prepare,
        stop_signal=signal.SIGINT,  # "fast": end connections, write everything, leave
        grace_s=30.0,
    )


def _valkey(home: Home, base: Mapping[str, str]) -> Service:
    path = home.runtime / "valkey.sock"
    command = tuple(valkey.command(home / "valkey", path))
    return Service("valkey", (command,), base, address=str(path), probe=probes.valkey(path))


def _setup(home: Home, portal: Mapping[str, str]) -> Service:
    """Migrations, then the first users. Runs before the portal, every time, and ends."""
    secrets = {
        "MLP_ADMIN_PASSWORD_FILE": str(home.secret("admin_password")),
        "MLP_DEMO_PASSWORD_FILE": str(home.secret("demo_password")),
    }
    # One command, not two: a start of Django takes a second.
    command = (sys.executable, "manage.py", "bootstrap", "--migrate")
    return Service("setup", (command,), {**portal, **secrets}, after=("postgres", "valkey"), once=True)


def _worker() -> tuple[str, ...]:
    return _python("dramatiq", "mlplatform.worker", "--processes", "1", "--threads", "8")


def _web(ports: Mapping[str, int], listener: int, portal: Mapping[str, str]) -> Service:
    # No proxy is in front: with its headers anybody on this machine could pretend to be somebody else's address.
    # Compressing would cost a window of memory per socket, and CPU per frame and socket.
    options = (
        "--no-proxy-headers --no-access-log --timeout-graceful-shutdown 3 --ws-per-message-deflate false"
    )
    listen = ("--fd", str(listener), *options.split())
    return Service(
        "web",
        (_python("uvicorn", "mlplatform.asgi:application", *listen),),
        portal,
        address=portal_url(ports),
        probe=probes.http(ports[WEB], "/healthz"),
        after=("setup",),
        inherited=(listener,),
    )


def _mlflow(home: Home, ports: Mapping[str, int], base: Mapping[str, str]) -> Service:
    """The server that `mlflow server` would start, without that command itself: it stays as a parent of 200 MB.

    The variables that start with an underscore are how the command hands its options over to the server.
    """
    port = str(ports["mlflow"])
    environment = {
        **base,
        "_MLFLOW_SERVER_FILE_STORE": postgres.url(
            home.runtime / "postgres", "mlflow", driver="postgresql+psycopg"
        ),
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": (home / "mlflow").as_uri(),
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
        "_MLFLOW_SGI_NAME": "uvicorn",
        # Its job runner and queue consumers cost 0.6 GB and serve features that we do not offer.
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
        "MLFLOW_ENABLE_AI_GATEWAY": "false",
        "MLFLOW_DISABLE_TELEMETRY": "true",
    }
    return Service(
        "mlflow",
        (
            _python(
                "uvicorn",
                "mlflow.server.fastapi_app:app",
                "--host",
                LOOPBACK,
                "--port",
                port,
                "--no-access-log",
            ),
        ),
        environment,
        address=f"http://{LOOPBACK}:{port}",
        # Not /health: the default experiment is there only when the database is.
        probe=probes.http(ports["mlflow"], "/api/2.0/mlflow/experiments/get?experiment_id=0"),
        after=("postgres",),
    )


def _ray(home: Home, ports: Mapping[str, int], base: Mapping[str, str]) -> Service:
    token = home.secret("ray_token")
    listen = [f"--{name.removeprefix('ray_').replace('_', '-')}={ports[name]}" for name in RAY_PORTS]
    command = (
        *(str(Path(sys.executable).with_name("ray")), "start", "--head", "--block", "--disable-usage-stats"),
        *(f"--node-ip-address={RAY_NODE_ADDRESS}", *listen),
        *("--dashboard-host=127.0.0.1", "--include-dashboard=true"),
        *(f"--num-cpus={cpus()}", f"--num-gpus={gpus()}", f"--memory={memory_gib() * 2**30}"),
        f"--object-store-memory={RAY_OBJECT_STORE_BYTES}",
        f"--temp-dir={home.runtime / 'ray'}",
        # About 50 MB each: the autoscaler (there is nothing to scale), and the copying of worker output to the driver
        # (the harness captures it per run).
        *("--no-monitor", "--include-log-monitor=false"),
    )
    environment = {
        **base,
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
        # Its metrics would be on every interface, without a token, those of the dashboard on a fixed port. There is no
        # option to turn the latter off; with a port that does not exist it says so in its log, once, and goes on.
        "RAY_enable_metrics_collection": "false",
        "DASHBOARD_METRIC_PORT": "-1",
        # An installation of requirements that failed is not tried thrice: in a virtual environment Ray copies all of
        # it each time, half a minute and 2 GB; pip itself repeats what the network lost.
        "RUNTIME_ENV_RETRY_TIMES": "1",
    }
    return Service(
        "ray",
        (command,),
        environment,
        prepare=lambda: _forget_sessions(home / "ray"),
        address=f"http://{LOOPBACK}:{ports['ray_dashboard_port']}",
        probe=probes.http(ports["ray_dashboard_port"], "/api/jobs/", token_file=token),
        # Once it has run a job, Ray waits for its workers for longer than people do for Ctrl-C. There is nothing of
        # worth in it: runs resume from their checkpoints.
        grace_s=5.0,
    )


def _forget_sessions(folder: Path) -> None:
    """Keep the last session's logs, not what it installed for jobs; Ray itself never removes any."""
    sessions = sorted(path for path in folder.glob("session_2*") if path.is_dir() and not path.is_symlink())
    for old in sessions[:-1]:
        shutil.rmtree(old, ignore_errors=True)
    for last in sessions[-1:]:
        shutil.rmtree(last / "runtime_resources", ignore_errors=True)


def _base_environment(environ: Mapping[str, str]) -> dict[str, str]:
    """The operator's environment without settings of ours: training code must not find the portal's secrets in it."""
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(DROPPED_PREFIXES) and name not in DROPPED
    }
    unproxied = [environ.get("NO_PROXY") or environ.get("no_proxy"), "localhost", LOOPBACK, RAY_NODE_ADDRESS]
    loopback = ",".join(filter(None, unproxied))
    return {
        **kept,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{environ.get('PATH', os.defpath)}",
        "PYTHONUNBUFFERED": "1",
        "NO_PROXY": loopback,
        "no_proxy": loopback,
        # Threads of a Python server otherwise keep an arena of up to 64 MB each.
        "MALLOC_ARENA_MAX": "2",
    }


def _portal_environment(home: Home, ports: Mapping[str, int], environ: Mapping[str, str]) -> dict[str, str]:
    return {
        **{name: value for name, value in environ.items() if value and name.startswith(PASSED_ON)},
        "DJANGO_SETTINGS_MODULE": "mlplatform.settings",
        "MLP_SECRET_KEY_FILE": str(home.secret("secret_key")),
        "MLP_DATABASE_URL": postgres.url(home.runtime / "postgres", "mlplatform"),
        "MLP_VALKEY_URL": valkey.url(home.runtime / "valkey.sock"),
        "MLP_MLFLOW_URL": f"http://{LOOPBACK}:{ports['mlflow']}",
        "MLP_RAY_ADDRESS": f"http://{LOOPBACK}:{ports['ray_dashboard_port']}",
        "MLP_RAY_TOKEN_FILE": str(home.secret("ray_token")),
        "MLP_RAY_CPUS": str(cpus()),
        "MLP_RAY_GPUS": str(gpus()),
        "MLP_RAY_MEMORY": str(memory_gib()),
        "MLP_RAY_PACKAGES": ",".join(f"{name}=={version(name)}" for name in ("ray", "torch")),
        "MLP_STORAGE": str(home / "storage"),
        "MLP_PORTAL_URL": portal_url(ports),
    }


def _python(module: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", module, *arguments)
