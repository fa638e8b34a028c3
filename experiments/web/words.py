"""Names of searchers and pruners as pages say them."""

# Method -> name, and when to choose it.
METHODS = {
    "grid": ("Grid", "Runs every combination of the values once."),
    "random": (
        "Random",
        "Draws each set by itself from the ranges. A good start, and hard to beat with many runs at a time.",
    ),
    "tpe": ("TPE", "Learns from the runs so far which values do well. Takes every kind of parameter."),
    "gp": ("GP", "Models the objective with a Gaussian process. For few and long runs."),
    "cmaes": (
        "CMA-ES",
        "Moves a cloud of numbers towards better ones. For many runs over ranges of numbers.",
    ),
    "list": ("Listed", "Runs the sets that you list below, and no others."),
}
PRUNERS = {
    "none": ("Never", "Every run trains to its end."),
    "median": ("Median", "Stops a run that is worse than half of the others were at the same report."),
    "asha": ("ASHA", "At each rung only the best fraction of the runs goes on (successive halving)."),
    "hyperband": ("Hyperband", "Several ASHA brackets that differ in how early they begin to judge."),
}


def method_name(method: str) -> str:
    """A searcher's name."""
    return METHODS[method][0]


def pruner_name(method: str) -> str:
    """A pruner's name."""
    return PRUNERS[method][0]


def counted(count: int, noun: str) -> str:
    """1 run, 2 runs."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
