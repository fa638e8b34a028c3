// Numbers, durations and times as people read them.

const TRIMMED = 4;

export function number(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e6)) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(value.toPrecision(TRIMMED)));
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${number(seconds < 10 ? Number(seconds.toFixed(1)) : Math.round(seconds))} s`;
  const whole = Math.round(seconds);
  const pair = (unit, name, lower, lowerName) => `${Math.floor(whole / unit)} ${name}${whole % unit >= lower ? ` ${Math.floor((whole % unit) / lower)} ${lowerName}` : ""}`;
  if (whole < 3600) return pair(60, "min", 1, "s");
  return whole < 86400 ? pair(3600, "h", 60, "min") : pair(86400, "d", 3600, "h");
}

export function clock(seconds) {
  return new Date(seconds * 1000).toLocaleString();
}
