"""For bench_search: a process that has just started makes one proposal from rows on stdin, and prints its seconds."""

# ruff: noqa: T201  # a command
# ruff: noqa: E402  # the clock starts before the imports that are measured

import json
import sys
import time

CONTENT = json.load(sys.stdin)
STARTED = time.perf_counter()

from experiments.search.conditions import declare_all
from experiments.search.port import Observation
from experiments.search.registry import searcher_for
from experiments.search.spec import SearchSpec

PARAMETERS = declare_all(CONTENT["parameters"])
SPEC = SearchSpec.from_json(CONTENT["search"], PARAMETERS)
SEEN = [Observation(number, params, "completed", value) for number, params, value in CONTENT["history"]]
SEARCHER = searcher_for(SPEC, PARAMETERS, direction="minimize")
assert SEARCHER.propose(len(SEEN) + 1, SEEN) is not None
print(time.perf_counter() - STARTED)
