// Numbers, durations and times as people read them, the same as mlplatform/http/templatetags.py writes them.

const DIGITS = 4;

export function number(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value !== "number") return String(value);
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "-∞";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e15) return String(value);
  if (size >= 1000) return value.toFixed(1);
  const rounded = Number(value.toPrecision(DIGITS));
  return Math.abs(rounded) < 1e-4 ? rounded.toExponential() : String(rounded);
}

export function deviation(value) {
  return number(Number(value.toPrecision(2)));
}

const UNITS = [[86400, "d", 3600, "h"], [3600, "h", 60, "min"], [60, "min", 1, "s"]];

export function duration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${Math.max(seconds, 0).toFixed(1)} s`;
  const whole = Math.round(seconds);
  const [size, name, lower, lowerName] = UNITS.find(([unit]) => whole >= unit) ?? [];
  if (!size) return `${whole} s`;
  return `${Math.floor(whole / size)} ${name} ${String(Math.floor((whole % size) / lower)).padStart(2, "0")} ${lowerName}`;
}

// Beside an axis there is little room, and values are round.
export function numberTick(value) {
  return Math.abs(value) < 1e6 ? number(value) : value.toExponential(2).replace(/\.?0*e\+/, "e");
}

export function durationTick(seconds) {
  return seconds < 10 ? `${number(seconds)} s` : duration(seconds).replace(/ 00 \w+$/, "");
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleString();
}
