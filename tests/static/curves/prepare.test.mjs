import assert from "node:assert/strict";
import { test } from "node:test";

import { prepared } from "../../../static/app/js/curves/prepare.js";

globalThis.document = { documentElement: { dataset: {} } };
globalThis.getComputedStyle = () => ({ getPropertyValue: (name) => name });

const SETTINGS = { x: "step", smoothing: 0, group: "", color: "" };
const run = (number, params, values = [1, 2]) => ({ id: `run-${number}`, number, params, set: number, steps: values.map((_, index) => index), times: [], values });
const shown = (runs, settings, hidden = new Set()) => prepared(runs, { ...SETTINGS, ...settings }, hidden);

test("values that are close are not one group", () => {
  const runs = [run(1, { size: 16384 }), run(2, { size: 16381 }), run(3, { size: 16384 }), run(4, { size: "16384" }), run(5, {})];
  const labels = shown(runs, { group: "param:size" }).map((curve) => curve.label);
  assert.deepEqual(labels, ["size 16384 (2 runs)", "size 16381 (#2)", "size 16384 (#4)", "#5"]);
});
