// From runs and settings to the curves that are drawn.

import { made } from "../dom.js";
import { colorOf } from "../viridis.js";
import { number } from "../words.js";
import { runClass, runColor, runDash, shares } from "./colors.js";
import { averaged, groups, places, smoothed } from "./transform.js";

const PARAM = "param:";

// What a setting such as "set" or "param:lr" says of a run; undefined if it has none.
function property(run, setting) {
  if (setting === "set") return run.set;
  return setting.startsWith(PARAM) ? run.params[setting.slice(PARAM.length)] : undefined;
}

// Names of the parameters in which the runs differ.
export function differing(runs) {
  const names = new Set(runs.flatMap((run) => Object.keys(run.params)));
  return [...names].filter((name) => new Set(runs.map((run) => JSON.stringify(run.params[name]))).size > 1).sort();
}

// Of several experiments: runs of one number have different looks, and labels that name the experiment.
const lookOf = (run) => run.look ?? run.number;
const nameOf = (run) => run.label ?? `#${run.number}`;

function mark(number, color) {
  const dot = made("span", { className: color ? "run-dot" : `run-dot ${runClass(number)}`, ariaHidden: "true" });
  if (color) dot.style.setProperty("--c", color);
  return dot;
}

// `name` stays while runs join. `tint` tells a run's colour if runs are coloured by a parameter, else null. See scale().
function curveOf(name, members, { x, smoothing, group, hidden, tint }) {
  const [first] = members;
  const parts = members.map((run) => ({ xs: places(run, x), values: run.values }));
  const mean = members.length > 1 ? averaged(parts) : parts[0];
  const values = smoothed(mean.xs, mean.values, smoothing);
  const color = tint?.(first) ?? null;
  return {
    name,
    label: labelOf(members, group),
    xs: mean.xs,
    values,
    raw: smoothing && !mean.deviations ? mean.values : null,
    deviations: mean.deviations ?? null,
    color: color ?? runColor(lookOf(first)),
    dash: color ? [] : runDash(lookOf(first)),
    hidden: hidden.has(name),
    mark: () => mark(lookOf(first), color),
  };
}

function labelOf(members, group) {
  const value = group ? property(members[0], group) : undefined;
  if (value === undefined) return nameOf(members[0]);
  const title = group === "set" ? "set" : group.slice(PARAM.length);
  return `${title} ${number(value)} (${members.length === 1 ? nameOf(members[0]) : `${members.length} runs`})`;
}

// The curves of runs that have a finite value, or of the groups of them, in the order of their numbers; and how they are coloured.
export function prepared(runs, settings, hidden) {
  const drawable = runs.filter((run) => run.values.some(Number.isFinite)).sort((one, other) => one.number - other.number);
  const colors = scale(drawable, settings.color);
  const found = groups(drawable, settings.group, (run) => property(run, settings.group));
  return { curves: [...found].map(([name, members]) => curveOf(name, members, { ...settings, hidden, tint: colors.tint })), colors };
}

// How a parameter's values become colours, and the scale's two ends in words.
function scale(runs, setting) {
  if (!setting) return { tint: null };
  const values = runs.map((run) => property(run, setting));
  const { low, high, log, share, numeric } = shares(values);
  if (numeric) {
    return {
      tint: (run) => { const at = share(property(run, setting)); return at === undefined ? null : colorOf(at); },
      ends: high > low ? [number(low), number(high)] : undefined, name: setting.slice(PARAM.length) + (log ? " (log)" : ""),
    };
  }
  const texts = [...new Set(values.filter((value) => value !== undefined).map(String))].sort();
  return { tint: (run) => { const at = texts.indexOf(String(property(run, setting))); return at < 0 ? null : runColor(at + 1); } };
}
