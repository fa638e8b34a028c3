import assert from "node:assert/strict";
import { test } from "node:test";

import { averaged, groups, nearest, places, smoothed, table } from "../../../static/app/js/curves/transform.js";

const close = (one, other, within = 1e-9) => assert.ok(Math.abs(one - other) <= within, `${one} is not ${other}`);
const range = (count, from = 0) => Array.from({ length: count }, (_, index) => from + index);

test("places: steps, times, or seconds since the start", () => {
  const run = { steps: [1, 2], times: [105, 110.5], start: 100 };
  assert.deepEqual(places(run, "step"), [1, 2]);
  assert.deepEqual(places(run, "time"), [105, 110.5]);
  assert.deepEqual(places(run, "relative"), [5, 10.5]);
});

test("smoothing keeps a constant, and nothing is smoothed with weight 0", () => {
  const xs = range(50);
  for (const value of smoothed(xs, xs.map(() => 3), 0.9)) close(value, 3);
  assert.deepEqual(smoothed(xs, xs, 0), xs);
});

test("smoothing with equal distances is the debiased moving average", () => {
  const values = [1, 0, 2, 5];
  let average = 0;
  const expected = values.map((value, index) => {
    average = 0.6 * average + 0.4 * value;
    return average / (1 - 0.6 ** (index + 1));
  });
  smoothed(range(4), values, 0.6).forEach((value, index) => close(value, expected[index]));
});

test("a thinned curve is smoothed like the whole one", () => {
  const whole = range(20_000);
  const thin = whole.filter((x) => x % 20 === 0);
  const f = (x) => Math.sin(x / 3000) + x / 20_000;
  const smooth = smoothed(whole, whole.map(f), 0.95);
  smoothed(thin, thin.map(f), 0.95).slice(50).forEach((value, index) => close(value, smooth[(index + 50) * 20], 0.01));
});

test("what is not finite is neither smoothed nor averaged", () => {
  const out = smoothed(range(4), [1, NaN, null, 1], 0.5);
  assert.ok(Number.isNaN(out[1]));
  assert.equal(out[2], null);
  close(out[3], 1);
  const mean = averaged([{ xs: [0, 1, 2], values: [1, NaN, 3] }, { xs: [0, 2], values: [3, 5] }]);
  assert.deepEqual(mean.xs, [0, 2]);
  assert.deepEqual(mean.values, [2, 4]);
});

test("mean and deviation of seeds at the same steps, and between them", () => {
  const same = averaged([{ xs: [1, 2], values: [1, 2] }, { xs: [1, 2], values: [3, 6] }]);
  assert.deepEqual(same.values, [2, 4]);
  close(same.deviations[0], Math.SQRT2);
  close(same.deviations[1], Math.sqrt(8));
  // The second ends earlier and has no point at 5: it counts there with the value on its line, and not after its end.
  const other = averaged([{ xs: [0, 5, 10, 20], values: [0, 5, 10, 20] }, { xs: [0, 10], values: [2, 12] }]);
  assert.deepEqual(other.values, [1, 6, 11, 20]);
  assert.equal(other.deviations[3], 0);
});

test("a table has every point once, at its place or within a fraction of a pixel", () => {
  const exact = table([{ xs: [1, 3], values: [10, 30] }, { xs: [2, 3], values: [20, 31] }], 100);
  assert.deepEqual(exact.xs, [1, 2, 3]);
  assert.deepEqual(exact.columns, [[10, undefined, 30], [undefined, 20, 31]]);
  const curves = [0.1, 0.37, 0.71].map((offset) => ({
    xs: range(500).map((x) => x + offset), values: range(500).map((x) => x * offset),
  }));
  const snapped = table(curves, 1000);
  curves.forEach((curve, index) => {
    const rows = snapped.columns[index].flatMap((value, row) => (value === undefined ? [] : [row]));
    assert.deepEqual(rows.map((row) => snapped.columns[index][row]), curve.values);
    rows.forEach((row, point) => close(snapped.xs[row], curve.xs[point], 500 / 999));
  });
});

test("points that crowd at the end of a table stay", () => {
  const crowd = { xs: [...range(10), ...range(50).map((x) => 9 + x / 1e6)], values: range(60) };
  const { columns } = table([crowd], 20);
  assert.equal(columns[0].filter((value) => value !== undefined).length, 60);
});

test("the nearest point", () => {
  const curve = { xs: [1, 4, 10] };
  assert.equal(nearest(curve, 0), 0);
  assert.equal(nearest(curve, 2.4), 0);
  assert.equal(nearest(curve, 2.6), 1);
  assert.equal(nearest(curve, 99), 2);
  assert.equal(nearest(curve, 99, 5), -1);
  assert.equal(nearest({ xs: [] }, 1), -1);
});

test("groups keep the order of their first runs", () => {
  const runs = [{ number: 1, lr: 0.1 }, { number: 2, lr: 0.2 }, { number: 3, lr: 0.1 }, { number: 4 }];
  const found = groups(runs, "lr", (run) => run.lr);
  assert.deepEqual([...found].map(([name, members]) => [name, members.length]), [["lr 0.1", 2], ["lr 0.2", 1], ["run 4", 1]]);
});
