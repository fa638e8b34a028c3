// From runs and settings to the curves that are drawn.

import { colorOf } from "../viridis.js";
import { number } from "../words.js";
import { runClass, runColor, runDash, shares } from "./colors.js";
import { averaged, groups, places, smoothed } from "./transform.js";

const PARAM = "param:";

// What a setting such as "set" or "param:lr" says of a run; undefined if it has none.
export function property(run, setting) {
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
  const dot = document.createElement("span");
  dot.className = color ? "run-dot" : `run-dot ${runClass(number)}`;
  if (color) dot.style.setProperty("--c", color);
  dot.setAttribute("aria-hidden", "true");
  return dot;
}

// `tint` tells a run's colour if runs are coloured by a parameter, else null. See scale().
function curveOf(members, label, { x, smoothing, hidden, tint }) {
  const [first] = members;
  const parts = members.map((run) => ({ xs: places(run, x), values: run.values }));
  const mean = members.length > 1 ? averaged(parts) : parts[0];
  const values = smoothed(mean.xs, mean.values, smoothing);
  const color = tint?.(first) ?? null;
  return {
    key: members.map((run) => run.id).join(),
    label,
    runs: members,
    xs: mean.xs,
    values,
    raw: smoothing && !mean.deviations ? mean.values : null,
    deviations: mean.deviations ?? null,
    color: color ?? runColor(lookOf(first)),
    dash: color ? [] : runDash(lookOf(first)),
    hidden: hidden.has(label),
    mark: () => mark(lookOf(first), color),
  };
}

function labelOf(members, name, group) {
  if (members.length === 1 && !group) return nameOf(members[0]);
  const title = group === "set" ? `set ${name}` : `${group.slice(PARAM.length)} ${name}`;
  return `${title} (${members.length === 1 ? nameOf(members[0]) : `${members.length} runs`})`;
}

// Runs that have a finite value, or the groups of them, in the order of their numbers.
export function prepared(runs, settings, hidden) {
  const drawable = runs.filter((run) => run.values.some(Number.isFinite)).sort((one, other) => one.number - other.number);
  const tint = scale(drawable, settings.color).tint;
  const options = { ...settings, hidden, tint };
  if (!settings.group) return drawable.map((run) => curveOf([run], labelOf([run], "", ""), options));
  const found = groups(drawable, (run) => text(property(run, settings.group)));
  return [...found].map(([name, members]) => curveOf(members, labelOf(members, name, settings.group), options));
}

const text = (value) => (value === undefined || typeof value === "string" ? value : typeof value === "number" ? number(value) : JSON.stringify(value));

// How a parameter's values become colours, and the scale's two ends in words.
export function scale(runs, setting) {
  if (!setting) return { tint: null };
  const values = runs.map((run) => property(run, setting));
  const { low, high, log, share, numeric } = shares(values);
  if (numeric) {
    return {
      tint: (run) => { const at = share(property(run, setting)); return at === undefined ? null : colorOf(at); },
      ends: [number(low), number(high)], name: setting.slice(PARAM.length) + (log ? " (log)" : ""),
    };
  }
  const names = [...new Set(values.map(text))].filter((name) => name !== undefined).sort();
  return { tint: (run) => { const at = names.indexOf(text(property(run, setting))); return at < 0 ? null : runColor(at + 1); } };
}
