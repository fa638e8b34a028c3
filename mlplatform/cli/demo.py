"""`mlp demo`: the main job through the REST API, as a user would do it, with progress in the terminal."""

import os
import signal
import time
from types import FrameType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

from mlplatform.cli.client import Json, PortalClient
from mlplatform.cli.stack import NEEDED, LocalStack
from mlplatform.embedded.home import Home

PROJECT = "Demo"
METRIC = "accuracy"
RUNS = (
    {"lr": 0.001, "optimizer": "adam"},
    {"lr": 0.003, "optimizer": "adam"},
    {"lr": 0.01, "optimizer": "adam"},
    {"lr": 0.03, "optimizer": "sgd"},
)
FINAL = ("completed", "failed", "canceled", "pruned")
MODEL_WAIT_S = 120.0


def demo(console: Console) -> int:
    """Bring the stack up, train four runs, show what came out, and leave the portal up until Ctrl-C."""
    signal.signal(signal.SIGTERM, _interrupt)
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
            _hints(console, state.portal_url, home, stack)
            if failed:
                return 1
            stack.wait_forever()
    except KeyboardInterrupt:
        console.print("Stopped.")
    return 0


def _main_job(console: Console, url: str, home: Home, started: float) -> bool:
    client = PortalClient(url)
    client.sign_in("demo", home.secret("demo_password").read_text().strip(), name="make demo")
    project = client.project(PROJECT)["slug"]
    experiment = client.experiment_create(project, example="digits", runs=list(RUNS))
    console.print(
        f"Experiment [bold]{experiment['name']}[/bold] in project {PROJECT}: {len(RUNS)} runs, 2 workers each."
    )
    console.print(f"Watch it live: [link]{experiment['url']}[/link]\n")
    _follow(console, client, experiment["id"], started)
    runs = client.runs(experiment["id"], sort=f"-metric:{METRIC}")
    console.print(_table(runs))
    for run in runs:
        if run["state"] != "completed":
            cause = run["cause"] or {"message": ""}
            console.print(f"[red]Run {run['number']} {run['state']}:[/red] {cause['message']} {run['url']}")
    failed = any(run["state"] != "completed" for run in runs)
    if not failed:
        _model(console, client, project, experiment["id"])
    return failed


def _follow(console: Console, client: PortalClient, experiment: str, started: float) -> None:
    columns = (
        TextColumn("run {task.fields[number]}"),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[words]}"),
    )
    with Progress(*columns, console=console) as progress:
        tasks: dict[str, TaskID] = {}
        told = False
        while True:
            runs = client.runs(experiment)
            for run in runs:
                if run["id"] not in tasks:
                    what = " ".join(f"{name}={run['params'][name]}" for name in RUNS[0])
                    tasks[run["id"]] = progress.add_task(
                        f"{what:<24}", total=1.0, number=run["number"], words=""
                    )
                progress.update(tasks[run["id"]], completed=run["progress"] or 0, words=_words(run))
            if not told and any(run["metrics"] for run in runs):
                told = True
                progress.console.print(f"First metric {time.monotonic() - started:.1f} s after the start.")
            if all(run["state"] in FINAL for run in runs):
                return
            time.sleep(0.3)


def _words(run: Json) -> str:
    metric = run["metrics"].get(METRIC)
    parts = [run["state"]]
    if metric:
        parts.append(f"{METRIC} {metric['last']:.1%}")
    if run["eta_seconds"] is not None:
        parts.append(f"{run['eta_seconds']:.0f} s left")
    elif run["seconds"] and run["state"] in FINAL:
        parts.append(f"{run['seconds']:.1f} s")
    return "  ".join(parts)


def _table(runs: list[Json]) -> Table:
    table = Table(title=f"Runs by {METRIC}")
    names = list(RUNS[0])
    for heading in ("run", "state", *names, METRIC, "time"):
        table.add_column(heading, justify="left" if heading in ("state", *names) else "right")
    for run in runs:
        metric = run["metrics"].get(METRIC)
        value = f"{metric['last']:.2%}" if metric else "–"
        seconds = f"{run['seconds']:.1f} s" if run["seconds"] else "–"
        table.add_row(
            str(run["number"]), run["state"], *(str(run["params"][name]) for name in names), value, seconds
        )
    return table


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


def _hints(console: Console, url: str, home: Home, stack: LocalStack) -> None:
    console.print(f"Portal:     [bold][link]{url}[/link][/bold]")
    console.print(
        f"Sign in as: demo, with the password in {home.secret_file('demo_password')}", soft_wrap=True
    )
    if stack.is_ours:
        console.print("The portal stays up until Ctrl-C; `make up` starts it again and finds everything.")


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
