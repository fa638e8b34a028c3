"""Handwritten digits: a plain Ray Train function, and a good place to start your own from.

Nothing in here knows about the platform. It trains with one worker or with many, on CPU or GPU, under this platform or
under a `ray.train.torch.TorchTrainer` of your own, and it continues from its last checkpoint when it is interrupted.
"""

import copy
import tempfile
from pathlib import Path

import ray.train
import ray.train.torch
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class DigitNet(nn.Module):
    """Two convolutions and two linear layers for 8x8 grey images."""

    def __init__(self, channels: int, dropout: float) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, 2 * channels, kernel_size=3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(dropout),
            nn.Linear(2 * channels * 4 * 4, 64),
            nn.ReLU(),
            nn.Linear(64, 10),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.features(images))


def load_data() -> tuple[TensorDataset, TensorDataset]:
    """The images as (training set, held-out set). The same 20 % are held out in every run, so runs can be compared."""
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16.0
    labels = torch.tensor(digits.target)
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    held_out, training = order[: len(order) // 5], order[len(order) // 5 :]
    return TensorDataset(images[training], labels[training]), TensorDataset(
        images[held_out], labels[held_out]
    )


def add_noise(images: torch.Tensor) -> torch.Tensor:
    """The images as a worse scanner would have seen them, differently every time."""
    return images + 0.1 * torch.randn_like(images)


def train_epoch(
    model: nn.Module, loader: DataLoader, optimizer: torch.optim.Optimizer, augment: bool
) -> float:
    """One pass over this worker's share of the training set; returns the mean loss."""
    model.train()
    total = 0.0
    for images, labels in loader:
        loss = F.cross_entropy(model(add_noise(images) if augment else images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(loader)


@torch.no_grad()
def evaluate(model: nn.Module, held_out: TensorDataset, device: torch.device) -> tuple[float, float]:
    """Return (loss, accuracy) on the held-out images."""
    model.eval()
    images, labels = (tensor.to(device) for tensor in held_out.tensors)
    scores = model(images)
    return F.cross_entropy(scores, labels).item(), (scores.argmax(dim=1) == labels).float().mean().item()


def export(model: nn.Module, path: Path) -> None:
    """Save the trained network as a program that runs without this file, on any number of images."""
    model = copy.deepcopy(model).cpu().eval()
    images = torch.zeros(2, 1, 8, 8)
    program = torch.export.export(model, (images,), dynamic_shapes={"images": {0: torch.export.Dim("batch")}})
    torch.export.save(program, path)


def train(config: dict) -> None:
    """Train one network with the parameters that `experiment.yaml` declares."""
    context = ray.train.get_context()
    rank, workers = context.get_world_rank(), context.get_world_size()
    device = ray.train.torch.get_device()
    seed = torch.initial_seed()

    training, held_out = load_data()
    loader = DataLoader(training, batch_size=config["batch_size"], shuffle=True)
    loader = ray.train.torch.prepare_data_loader(loader)  # gives each worker its share

    network = DigitNet(config["channels"], config["dropout"])
    # Moves to the GPU if there is one, and adds DDP if there are several workers.
    model = ray.train.torch.prepare_model(network)
    if config["optimizer"] == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"], momentum=0.9)

    first_epoch, best = 1, 0.0
    checkpoint = ray.train.get_checkpoint()
    if checkpoint:
        with checkpoint.as_directory() as folder:
            state = torch.load(Path(folder, "state.pt"), map_location=device)
        network.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        first_epoch, best = state["epoch"] + 1, state["best"]
        print(f"continuing with epoch {first_epoch}")

    for epoch in range(first_epoch, config["epochs"] + 1):
        # Random numbers depend on (seed, epoch, worker) only: an interrupted run ends exactly like an undisturbed one.
        torch.manual_seed(seed + 1000 * epoch + rank)
        if workers > 1:
            loader.sampler.set_epoch(epoch)
        for group in optimizer.param_groups:  # from `lr` down to (almost) zero: the last epochs only polish
            group["lr"] = config["lr"] * (1 - (epoch - 1) / config["epochs"])
        loss = train_epoch(model, loader, optimizer, config["augment"])
        val_loss, accuracy = evaluate(network, held_out, device)
        if rank == 0:
            print(f"epoch {epoch:3d}  loss {loss:.4f}  val_loss {val_loss:.4f}  accuracy {accuracy:.2%}")

        is_best = accuracy >= best
        best = max(accuracy, best)
        with tempfile.TemporaryDirectory() as folder:
            checkpoint = None
            if rank == 0:  # all workers hold the same weights
                state = {"model": network.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
                torch.save(state | {"best": best}, Path(folder, "state.pt"))
                # The best network becomes the model. Exporting takes a moment and no early one stays the best.
                if epoch == config["epochs"] or (is_best and 2 * epoch > config["epochs"]):
                    export(network, Path(folder, "model.pt2"))
                checkpoint = ray.train.Checkpoint.from_directory(folder)
            metrics = {"loss": loss, "val_loss": val_loss, "accuracy": accuracy}
            ray.train.report(metrics, checkpoint=checkpoint)
