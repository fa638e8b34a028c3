"""Load to simulate: a made-up one, the same for the same seed."""

import math
import random
from dataclasses import dataclass
from uuid import UUID

from runners.admission.claims import Claim, Totals
from runners.admission.simulation import Job

SIZES = (0.02, 0.05, 0.1, 0.25)
SIZE_WEIGHTS = (8, 5, 3, 1)
GPU_PART = 0.5
PEOPLE = 3
MEDIAN_SECONDS = 600.0
SPREAD = 1.2


@dataclass(frozen=True)
class Made:
    """What to make: `pressure` 1 asks for exactly what there is, over the time in which it is asked for."""

    jobs: int
    projects: int = 8
    pressure: float = 1.2
    seed: int = 0


def make_load(made: Made, totals: Totals) -> list[Job]:
    """Jobs of some projects, of which the first ask for most: a few large, many small, some very long."""
    chance = random.Random(made.seed)  # noqa: S311  (no secrets)
    popularity = [1 / (number + 1) for number in range(made.projects)]
    drawn = [_drawn(chance, popularity, totals) for _ in range(made.jobs)]
    asked_in_all = sum(part * work for _, _, part, work in drawn)
    length = asked_in_all / made.pressure
    jobs = []
    for number, (project, on_gpus, part, work) in enumerate(drawn):
        claim = Claim(
            UUID(int=number + 1),
            cpus=_amount(part if not on_gpus else part / 2, totals.cpus),
            gpus=_amount(part, totals.gpus) if on_gpus else 0,
            project=f"project {project + 1}",
            user=f"person {chance.randrange(PEOPLE) + 1} of {project + 1}",
            scopes=(f"project:project {project + 1}",),
            asked=chance.uniform(0, length),
            lasts=work * chance.uniform(1, 2),
        )
        jobs.append(Job(claim, work, run=min(work, chance.uniform(60, 600))))
    return jobs


def _drawn(chance: random.Random, popularity: list[float], totals: Totals) -> tuple[int, bool, float, float]:
    project = chance.choices(range(len(popularity)), popularity)[0]
    on_gpus = totals.gpus > 0 and chance.random() < GPU_PART
    part = chance.choices(SIZES, SIZE_WEIGHTS)[0]
    return project, on_gpus, part, chance.lognormvariate(math.log(MEDIAN_SECONDS), SPREAD)


def _amount(part: float, total: float) -> float:
    return max(1, min(total, round(part * total)))
