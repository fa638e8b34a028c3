// What a chart makes of points before it draws them. Pure: no page, no library.

// A curve is smoothed over at most so many units of its x axis, however many points it has: one that the server thinned
// out looks like the whole one.
const MAX_UNITS = 200;

// Where a run's points are on the axis: its steps, Unix seconds, or seconds since the run's start.
export function places(run, x) {
  if (x === "step") return run.steps;
  return x === "time" ? run.times : run.times.map((time) => time - run.start);
}

// Exponential moving average without the pull of its beginning towards zero; `weight` is in [0, 1). A point weighs by
// its distance from the one before. What is not finite stays as it is and is left out of the average.
export function smoothed(xs, values, weight) {
  if (!weight) return values;
  const unit = (xs.at(-1) - xs[0]) / Math.min(xs.length - 1, MAX_UNITS) || 1;
  let average = 0;
  let known = 0;
  let before = null;
  return values.map((value, index) => {
    if (!Number.isFinite(value)) return value;
    const keep = weight ** (before === null ? 1 : Math.max(0, xs[index] - before) / unit);
    before = xs[index];
    average = keep * average + (1 - keep) * value;
    known = keep * known + (1 - keep);
    return known ? average / known : value;
  });
}

// Mean and standard deviation (of the sample; 0 for one curve) of curves over all places where any of them has a point.
// A curve counts between its points with the value on the line, and not before its first and after its last.
export function averaged(curves) {
  const finite = curves.map((curve) => filtered(curve, (_, value) => Number.isFinite(value)));
  const xs = union(finite.map((curve) => curve.xs));
  const values = [];
  const deviations = [];
  const next = finite.map(() => 0);
  for (const x of xs) {
    const found = [];
    finite.forEach((curve, index) => {
      while (curve.xs[next[index]] < x) next[index] += 1;
      const at = next[index];
      if (curve.xs[at] === x) found.push(curve.values[at]);
      else if (at > 0 && at < curve.xs.length) {
        const share = (x - curve.xs[at - 1]) / (curve.xs[at] - curve.xs[at - 1]);
        found.push(curve.values[at - 1] + share * (curve.values[at] - curve.values[at - 1]));
      }
    });
    const mean = found.reduce((sum, value) => sum + value, 0) / found.length;
    const squares = found.reduce((sum, value) => sum + (value - mean) ** 2, 0);
    values.push(mean);
    deviations.push(found.length > 1 ? Math.sqrt(squares / (found.length - 1)) : 0);
  }
  return { xs, values, deviations };
}

// The points of a curve for which `keep(x, value)` holds.
export function filtered(curve, keep) {
  const kept = curve.xs.map((_, index) => index).filter((index) => keep(curve.xs[index], curve.values[index]));
  return { ...curve, xs: kept.map((index) => curve.xs[index]), values: kept.map((index) => curve.values[index]) };
}

// All places of all curves, once each, in order.
function union(columns) {
  return [...new Set(columns.flat())].sort((a, b) => a - b);
}

// Curves in the rows of one table, as uPlot wants them. With more places than `slots`, each point moves by a fraction of
// a pixel onto a grid of so many: curves over time share no place with each other.
export function table(curves, slots) {
  const exact = union(curves.map((curve) => curve.xs));
  if (exact.length <= slots) {
    const row = new Map(exact.map((x, index) => [x, index]));
    return { xs: exact, columns: curves.map((curve) => column(exact.length, curve, (x) => row.get(x))) };
  }
  const low = exact[0];
  const pitch = (exact.at(-1) - low) / (slots - 1);
  // A crowded end may need a few rows more: no point is dropped.
  const spare = Math.max(...curves.map((curve) => curve.xs.length));
  const xs = Array.from({ length: slots + spare }, (_, index) => low + index * pitch);
  const columns = curves.map((curve) => {
    let last = -1;
    return column(xs.length, curve, (x) => (last = Math.max(last + 1, Math.round((x - low) / pitch))));
  });
  const used = columns.reduce((most, values) => Math.max(most, values.findLastIndex((value) => value !== undefined)), 0);
  return { xs: xs.slice(0, used + 1), columns: columns.map((values) => values.slice(0, used + 1)) };
}

function column(length, curve, rowOf) {
  const values = new Array(length).fill(undefined);
  curve.xs.forEach((x, index) => { values[rowOf(x)] = curve.values[index]; });
  return values;
}

// The point of a curve that is nearest to x, if there is one within `reach` of it.
export function nearest(curve, x, reach = Infinity) {
  let low = 0;
  let high = curve.xs.length - 1;
  if (high < 0) return -1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (curve.xs[middle] < x) low = middle + 1;
    else high = middle;
  }
  if (low > 0 && x - curve.xs[low - 1] <= curve.xs[low] - x) low -= 1;
  return Math.abs(curve.xs[low] - x) <= reach ? low : -1;
}

// Runs by the value of what they are grouped by, in order of the first run of each; a run without it is on its own. The
// name of a group stays when runs join it, and is never that of another.
export function groups(runs, by, valueOf) {
  const found = new Map();
  for (const run of runs) {
    const value = JSON.stringify(valueOf(run));
    const name = value === undefined ? `run ${run.label ?? run.number}` : `${by} ${value}`;
    if (!found.has(name)) found.set(name, []);
    found.get(name).push(run);
  }
  return found;
}
