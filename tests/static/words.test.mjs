import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { deviation, duration, durationTick, number, numberTick } from "../../static/app/js/words.js";

// tests/mlplatform/http/test_templatetags.py has the same.
const cases = JSON.parse(readFileSync(new URL("words.json", import.meta.url)));

test("numbers", () => {
  for (const [value, text] of cases.number) assert.equal(number(value), text);
  assert.deepEqual([NaN, Infinity, -Infinity, undefined].map(number), ["NaN", "∞", "-∞", "–"]);
});

test("deviations", () => {
  for (const [value, text] of cases.deviation) assert.equal(deviation(value), text);
});

test("durations", () => {
  for (const [seconds, text] of cases.duration) assert.equal(duration(seconds), text);
  assert.equal(duration(NaN), "–");
});

test("ticks are shorter", () => {
  assert.deepEqual([0, 0.30000000000000004, 16384, 2e6, -1.25e7].map(numberTick), ["0", "0.3", "16384", "2e6", "-1.25e7"]);
  assert.deepEqual([0, 0.01, 5, 30, 60, 90, 7200, 86400].map(durationTick), ["0 s", "0.01 s", "5 s", "30 s", "1 min", "1 min 30 s", "2 h", "1 d"]);
});
