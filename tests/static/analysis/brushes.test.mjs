import assert from "node:assert/strict";
import { test } from "node:test";

import { Brushes } from "../../../static/app/js/analysis/brushes.js";
import { scaleOf } from "../../../static/app/js/analysis/scale.js";

const axis = (more) => ({ id: "one", misses: false, ...more, scale: scaleOf(more) });
const close = (parts, others) => parts.forEach((part, index) => assert.ok(Math.abs(part - others[index]) < 1e-9, `${parts} is not ${others}`));

function brushed(before, from, to) {
  const brushes = new Brushes(() => {});
  brushes.set(before, from, to);
  return brushes;
}

test("a brush stays at its values while the axis grows", () => {
  const brushes = brushed(axis({ low: 0, high: 10 }), 0.2, 0.6);
  close(brushes.of(axis({ low: -10, high: 10 })), [0.6, 0.8]);
  close(brushes.of(axis({ low: 1, high: 100, log: true })), [Math.log(2) / Math.log(100), Math.log(6) / Math.log(100)]);
  close(brushes.of(axis({ low: 3, high: 10 })), [0, 3 / 7]);
  close(brushed(axis({ low: -10, high: 10 }), 0.2, 0.75).of(axis({ low: 5, high: 9e3, log: true })), [0, 0]);
});

test("what reaches to an end of the axis goes on doing so", () => {
  const brushes = brushed(axis({ low: 0, high: 10 }), 0.5, 1);
  close(brushes.of(axis({ low: 0, high: 20 })), [0.25, 1]);
});

test("a brush stays at its choices", () => {
  const brushes = brushed(axis({ choices: ["a", "c"] }), 0.1, 0.4);
  close(brushes.of(axis({ choices: ["0", "a", "b", "c"] })), [0.3, 0.45]);
  close(brushes.of(axis({ choices: ["c"] })), [0, 1]);
  close(brushes.of(axis({ low: 0, high: 1 })), [0, 1]);
});

test("runs without a value stay brushed", () => {
  const brushes = brushed(axis({ low: 0, high: 10, misses: true }), -1, 0.5);
  const [from, to] = brushes.of(axis({ low: 0, high: 5, misses: true }));
  assert.ok(from < 0);
  assert.equal(to, 1);
  close(brushes.of(axis({ low: 0, high: 20 })), [0, 0.25]);
});
