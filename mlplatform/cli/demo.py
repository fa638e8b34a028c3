"""`mlp demo`: the main job through the REST API, as a user would do it, with progress in the terminal."""

import os
import signal
import time
from types import FrameType

from rich.console import Console

from mlplatform.cli import tables
from mlplatform.cli.client import PortalClient
from mlplatform.cli.progress import follow
from mlplatform.cli.stack import NEEDED, LocalStack
from mlplatform.cli.words import metric_key
from mlplatform.embedded.display import SIGNUP_HINT
from mlplatform.embedded.home import Home
from mlplatform.embedded.state import StackState

PROJECT = "Demo"
METRIC = "accuracy"
RUNS = (
    {"lr": 0.001, "optimizer": "adam"},
    {"lr": 0.003, "optimizer": "adam"},
    {"lr": 0.01, "optimizer": "adam"},
    {"lr": 0.03, "optimizer": "sgd"},
)
MODEL_WAIT_S = 120.0


def demo(console: Console) -> int:
    """Bring the stack up, train four runs, show what came out, and leave the portal up until Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
            signal.signal(number, _interrupt)
    failed = False
    started = time.monotonic()
    home = Home.locate(os.environ)
    try:
        with LocalStack(home) as stack:
            with console.status("Starting the stack (PostgreSQL, Valkey, Ray, MLflow, the portal)…"):
                state = stack.wait_ready(*NEEDED)
            console.print(
                f"Portal up at [link]{state.portal_url}[/link] after {time.monotonic() - started:.0f} s."
            )
            failed = _main_job(console, state.portal_url, home, started)
            _hints(console, state, home, stack)
            stack.wait_forever()
    except KeyboardInterrupt:
        console.print("Stopped.")
    return 1 if failed else 0


def _main_job(console: Console, url: str, home: Home, started: float) -> bool:
    client = PortalClient(url)
    client.sign_in("demo", home.secret("demo_password").read_text().strip(), name="make demo")
    project = client.project(PROJECT)["slug"]
    experiment = client.experiment_create(project, example="digits", runs=list(RUNS))
    console.print(
        f"Experiment [bold]{experiment['name']}[/bold] in project {PROJECT}: {len(RUNS)} runs, 2 workers each."
    )
    console.print(f"Watch it live: [link]{experiment['url']}[/link]\n")

    def first_metric() -> None:
        console.print(f"First metric {time.monotonic() - started:.1f} s after the start.")

    follow(console, client, experiment["id"], on_first_metric=first_metric)
    runs = client.runs(experiment["id"], sort=f"-{metric_key(METRIC)}")
    console.print("\n", tables.runs(runs, [METRIC], METRIC), sep="")
    for run in runs:
        if run["state"] != "completed":
            cause = run["cause"] or {"message": ""}
            console.print(f"[red]Run {run['number']} {run['state']}:[/red] {cause['message']} {run['url']}")
    failed = any(run["state"] != "completed" for run in runs)
    if not failed:
        _model(console, client, project, experiment["id"])
    return failed


def _model(console: Console, client: PortalClient, project: str, experiment: str) -> None:
    """The sync to MLflow follows the runs by some seconds."""
    limit = time.monotonic() + MODEL_WAIT_S
    with console.status("Registering the best run's model in MLflow…"):
        while not (versions := client.model_versions(project, experiment)) and time.monotonic() < limit:
            time.sleep(0.3)
    if versions:
        best = versions[0]
        console.print(
            f"\nBest model: [bold]{best['name']}[/bold] version {best['version']}  [link]{best['url']}[/link]"
        )
    else:
        console.print(
            "[yellow]MLflow does not answer yet; the model is registered as soon as it does.[/yellow]"
        )


def _hints(console: Console, state: StackState, home: Home, stack: LocalStack) -> None:
    console.print(f"Portal:     [bold][link]{state.portal_url}[/link][/bold]")
    console.print(
        f"Sign in as: demo, with the password in {home.secret_file('demo_password')}", soft_wrap=True
    )
    if state.signup_open:
        console.print(f"[yellow]{SIGNUP_HINT}[/yellow]", soft_wrap=True)
    if stack.is_ours:
        console.print("The portal stays up until Ctrl-C; `make up` starts it again and finds everything.")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
