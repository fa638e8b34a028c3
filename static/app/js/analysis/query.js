// What the brushes choose, in the words of the runs table (docs/query.md).

import { MISSING } from "./brushes.js";

const quoted = (text) => `"${String(text).replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
const literal = (value) => (typeof value === "string" ? quoted(value) : String(value));

function field({ isObjective, name }) {
  return `${isObjective ? "metrics" : "params"}.${quoted(name)}`;
}

function withValue(axis, from, to) {
  const name = field(axis);
  if (axis.choices) {
    const chosen = axis.choices.filter((_, code) => axis.scale.at(code) >= from && axis.scale.at(code) <= to);
    return chosen.length ? `${name} in (${chosen.map(literal).join(", ")})` : "";
  }
  // What lies at the end of a brush is in it, whatever the logarithm has lost.
  const at = (part) => Number(axis.scale.back(part).toPrecision(12));
  const bounds = [from > 0 ? `${name} >= ${at(from)}` : "", to < 1 ? `${name} <= ${at(to)}` : ""].filter(Boolean);
  return bounds.length ? bounds.join(" and ") : `${name} != none`;
}

function condition({ axis, part: [from, to] }) {
  const value = to >= 0 ? withValue(axis, Math.max(from, 0), to) : "";
  if (from > MISSING) return value;
  const none = `${field(axis)} = none`;
  return value ? `(${none} or ${value})` : none;
}

// Runs that wait have no line.
export function where(brushed) {
  return ["state != queued", ...brushed.map(condition)].join(" and ");
}
