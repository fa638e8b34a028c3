import assert from "node:assert/strict";
import { test } from "node:test";

import { scaleOf } from "../../../static/app/js/analysis/scale.js";

const texts = (axis, most) => scaleOf(axis).ticks(most).map(({ text }) => text);

test("ticks are round numbers, on a log scale evenly apart", () => {
  assert.deepEqual(texts({ low: 0, high: 10 }, 5), ["0", "2", "4", "6", "8", "10"]);
  assert.deepEqual(texts({ low: 1, high: 100, log: true }, 7), ["1", "2", "5", "10", "20", "50", "100"]);
  assert.deepEqual(texts({ low: 0.0007, high: 1.4, log: true }, 4), ["0.01", "1"]);
  assert.deepEqual(texts({ low: 2, high: 3, log: true }, 4), ["2", "2.5", "3"]);
});
