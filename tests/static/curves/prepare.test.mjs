import assert from "node:assert/strict";
import { test } from "node:test";

import { onAxes } from "../../../static/app/js/curves/plot.js";
import { prepared } from "../../../static/app/js/curves/prepare.js";

globalThis.document = { documentElement: { dataset: {} } };
globalThis.getComputedStyle = () => ({ getPropertyValue: (name) => name });

const SETTINGS = { x: "step", smoothing: 0, group: "", color: "" };
const run = (number, params, values = [1, 2]) => ({ id: `run-${number}`, number, params, set: number, steps: values.map((_, index) => index), times: [], values });
const shown = (runs, settings, hidden = new Set()) => prepared(runs, { ...SETTINGS, ...settings }, hidden);

test("values that are close are not one group", () => {
  const runs = [run(1, { size: 16384 }), run(2, { size: 16381 }), run(3, { size: 16384 }), run(4, { size: "16384" }), run(5, {})];
  const labels = shown(runs, { group: "param:size" }).curves.map((curve) => curve.label);
  assert.deepEqual(labels, ["size 16384 (2 runs)", "size 16381 (#2)", "size 16384 (#4)", "#5"]);
});

test("what is hidden stays hidden when a run joins, and shows nothing of another group", () => {
  const runs = [run(1, { lr: 1, depth: 1 }), run(2, { lr: 2, depth: 1 })];
  const by = (group, members, hidden) => shown(members, { group }, hidden).curves.map((curve) => curve.hidden);
  const [{ name }] = shown(runs, { group: "param:lr" }).curves;
  assert.deepEqual(by("param:lr", [...runs, run(3, { lr: 1, depth: 1 })], new Set([name])), [true, false]);
  assert.deepEqual(by("param:depth", runs, new Set([name])), [false]);
  const [alone] = shown(runs).curves;
  assert.deepEqual(by("", [...runs].reverse(), new Set([alone.name])), [true, false]);
});

test("colours and their scale are of the runs that are drawn", () => {
  const { curves, colors } = shown([run(1, { lr: 1 }), run(2, { lr: 2 }), run(3, { lr: 9 }, [null, null])], { color: "param:lr" });
  assert.deepEqual(colors.ends, ["1", "2"]);
  assert.equal(shown([run(1, { lr: 1 })], { color: "param:lr" }).colors.ends, undefined);
  assert.equal(curves.length, 2);
  assert.notEqual(curves[0].color, curves[1].color);
});

test("a gap is not lost on a log axis", () => {
  const column = { xs: [0, 1, 2, 3], values: [1, null, 0, 2] };
  assert.deepEqual(onAxes(column, false, true), { xs: [0, 1, 3], values: [1, null, 2] });
  assert.deepEqual(onAxes(column, true, false), { xs: [1, 2, 3], values: [null, 0, 2] });
});
