import assert from "node:assert/strict";
import { test } from "node:test";

import { Sweep } from "../../../static/app/js/analysis/sweep.js";

const sweep = (direction, state, objective) => new Sweep({
  objective: { metric: "loss", direction }, constant: {}, left_out: 0, parameters_left_out: [], params: {}, axes: [],
  runs: { number: state.map((_, index) => index + 1), state, started: [], ended: [], seconds: [], objective },
});
const numbers = (runs) => runs.map((run) => run.number);

test("the best so far is of completed runs, and of equal ones the first", () => {
  const states = ["running", "completed", "completed", "failed", "completed", "completed", "queued"];
  const found = sweep("minimize", states, [0, 5, 6, 1, 3, 3, null]);
  assert.deepEqual(numbers(found.steps(found.runs)), [2, 5]);
  assert.equal(found.best.number, 5);
  assert.deepEqual(numbers(found.begun), [1, 2, 3, 4, 5, 6]);
  assert.deepEqual(numbers(found.steps([...found.runs].reverse())), [6]);
  assert.equal(sweep("maximize", states, [0, 5, 6, 1, 3, 3, null]).best.number, 3);
  assert.equal(sweep("minimize", ["running"], [1]).best, null);
});
