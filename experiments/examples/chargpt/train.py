"""A character-level language model that learns to write like Python's documentation, as a plain Ray Train function.

The text ships with Python (the topics behind `help()`), so nothing is downloaded. Shows what the digits example does
not: several files, a learning rate schedule, and text samples in the log.
"""

import copy
import json
import math
import tempfile
from pathlib import Path
from pydoc_data.topics import topics

import ray.train
import ray.train.torch
import torch
from model import CharGPT
from torch import nn
from torch.nn import functional as F


def load_text() -> tuple[torch.Tensor, torch.Tensor, list[str]]:
    """Python's help topics as character numbers: (training part, held-out last tenth, the characters)."""
    text = "\n\n".join(topics[name] for name in sorted(topics))
    characters = sorted(set(text))
    number = {character: i for i, character in enumerate(characters)}
    data = torch.tensor([number[character] for character in text])
    cut = len(data) * 9 // 10
    return data[:cut], data[cut:], characters


def windows(data: torch.Tensor, starts: torch.Tensor, context: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pieces of the text that begin at `starts`, and the same pieces one character later (what to predict)."""
    pieces = torch.stack([data[start : start + context + 1] for start in starts.tolist()])
    return pieces[:, :-1], pieces[:, 1:]


def learning_rate(step: int, steps: int, highest: float) -> float:
    """A short linear warm-up, then half a cosine down to a tenth."""
    warm_up = max(1, min(50, steps // 10))
    if step < warm_up:
        return highest * (step + 1) / warm_up
    return highest * (0.55 + 0.45 * math.cos(math.pi * (step - warm_up) / max(1, steps - warm_up)))


def loss_of(model: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Mean surprise about the next character, in nats."""
    return F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten())


@torch.no_grad()
def evaluate(model: nn.Module, data: torch.Tensor, context: int, device: torch.device) -> float:
    """Loss on 64 evenly spaced pieces of the held-out text."""
    model.eval()
    starts = torch.linspace(0, len(data) - context - 2, 64).long()
    inputs, targets = windows(data, starts, context)
    return loss_of(model, inputs.to(device), targets.to(device)).item()


@torch.no_grad()
def write(
    model: nn.Module, characters: list[str], context: int, device: torch.device, length: int = 120
) -> str:
    """Let the model continue a line break."""
    model.eval()
    text = torch.tensor([[characters.index("\n")]], device=device)
    for _ in range(length):
        scores = model(text[:, -context:])[:, -1]
        text = torch.cat([text, torch.multinomial(F.softmax(scores, dim=-1), 1)], dim=1)
    return "".join(characters[i] for i in text[0].tolist()).strip()


def export(model: nn.Module, context: int, path: Path) -> None:
    """Save the trained model as a program that runs without these files, for any number and length of texts."""
    model = copy.deepcopy(model).cpu().eval()
    example = torch.zeros(2, context // 2, dtype=torch.long)
    dims = {0: torch.export.Dim("batch"), 1: torch.export.Dim("length", min=2, max=context)}
    program = torch.export.export(model, (example,), dynamic_shapes={"characters": dims})
    torch.export.save(program, path)


def train(config: dict) -> None:
    """Train one model with the parameters that `experiment.yaml` declares."""
    rank = ray.train.get_context().get_world_rank()
    device = ray.train.torch.get_device()
    seed = torch.initial_seed()
    context, steps_per_round = config["context"], config["steps_per_round"]
    steps = config["rounds"] * steps_per_round

    training, held_out, characters = load_text()
    network = CharGPT(
        vocabulary=len(characters),
        context=context,
        layers=config["layers"],
        heads=config["heads"],
        width=config["heads"] * config["head_width"],
        dropout=config["dropout"],
    )
    model = ray.train.torch.prepare_model(network)
    optimizer = torch.optim.AdamW(model.parameters(), lr=config["lr"], betas=(0.9, 0.99))

    first_round, best = 1, math.inf
    checkpoint = ray.train.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            state = torch.load(Path(folder, "state.pt"), map_location=device)
        network.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first_round, best = state["round"] + 1, state["best"]
        print(f"continuing with round {first_round}")

    for number in range(first_round, config["rounds"] + 1):
        # Random numbers depend on (seed, round, worker) only: an interrupted run ends exactly like an undisturbed one.
        torch.manual_seed(seed + 1000 * number + rank)
        model.train()
        total = 0.0
        for step in range((number - 1) * steps_per_round, number * steps_per_round):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, steps, config["lr"])
            starts = torch.randint(len(training) - context - 1, (config["batch_size"],))
            inputs, targets = windows(training, starts, context)
            loss = loss_of(model, inputs.to(device), targets.to(device))
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            total += loss.item()

        metrics = {"loss": total / steps_per_round, "val_loss": evaluate(network, held_out, context, device)}
        if rank == 0:
            print(f"round {number:3d}  loss {metrics['loss']:.3f}  val_loss {metrics['val_loss']:.3f}")
            print(f"  | {write(network, characters, context, device)!r}")
        is_best = metrics["val_loss"] <= best
        best = min(metrics["val_loss"], best)
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = None
            if rank == 0:  # all workers hold the same weights
                state = {"model": network.state_dict(), "optimizer": optimizer.state_dict(), "round": number}
                torch.save(state | {"best": best}, Path(folder, "state.pt"))
                # The best model is the one that is kept. Exporting takes a moment and no early one stays the best.
                if number == config["rounds"] or (is_best and 2 * number > config["rounds"]):
                    export(network, context, Path(folder, "model.pt2"))
                    Path(folder, "characters.json").write_text(json.dumps(characters))
                checkpoint = ray.train.Checkpoint.from_directory(folder)
            ray.train.report(metrics, checkpoint=checkpoint)
