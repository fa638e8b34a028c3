"""Train functions that are over in no time, so that what is measured is everything around them.

Each reports when its code was entered and left, in Unix seconds.
"""

import time


def noop(config):
    import ray.train  # noqa: PLC0415  # the peer has a function of its own

    entered = time.time()
    ray.train.report({"score": config["x"], "entered": entered, "left": time.time()})


def ddp(config):
    """A small network with DDP: three epochs of eight batches."""
    entered = time.time()
    import ray.train  # noqa: PLC0415  # that is part of the run
    import torch  # noqa: PLC0415
    from ray.train.torch import prepare_model  # noqa: PLC0415

    torch.manual_seed(ray.train.get_context().get_world_rank())
    model = prepare_model(
        torch.nn.Sequential(torch.nn.Linear(20, 64), torch.nn.ReLU(), torch.nn.Linear(64, 1))
    )
    optimizer = torch.optim.SGD(model.parameters(), lr=config["x"])
    loss = torch.zeros(())
    for epoch in range(3):
        for _ in range(8):
            inputs = torch.randn(32, 20)
            loss = torch.nn.functional.mse_loss(model(inputs), inputs.sum(1, keepdim=True))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        ray.train.report({"loss": loss.item(), "epoch": epoch, "entered": entered, "left": time.time()})
