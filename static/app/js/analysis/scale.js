// Where values lie on an axis, how they read, and what colour they have.

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

export function valueText(axis, code) {
  if (code === null || code === undefined) return "not set";
  return axis.choices ? String(axis.choices[code]) : number(code);
}

function linearTicks(low, high, most) {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
  const ticks = [];
  for (let index = Math.ceil(low / step - 1e-9); index * step <= high + step * 1e-9; index += 1) ticks.push(Number((index * step).toPrecision(12)));
  return ticks;
}

function logTicks(low, high, most) {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const every = Math.max(1, Math.ceil((last - first) / most));
  const within = (factors) => {
    const ticks = [];
    for (let power = first; power <= last; power += every) ticks.push(...factors.map((factor) => Number(`${factor}e${power}`)));
    return ticks.filter((tick) => tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9));
  };
  const choices = [within([1, 2, 5]), within([1])];
  const found = choices.find((ticks) => ticks.length > 1 && ticks.length <= most + 1) ?? choices.find((ticks) => ticks.length > 1);
  return found ?? linearTicks(low, high, most);
}

const TIME_STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400];

export function timeTicks(span, most) {
  let step = TIME_STEPS.find((size) => span / size <= most);
  if (!step) step = 86400 * Math.ceil(span / 86400 / most);
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, index) => index * step);
}

// A scale from 0 to 1: at(code), back(part), ticks(most).
export function scaleOf(axis) {
  if (axis.choices) {
    const count = axis.choices.length;
    return {
      at: (code) => (code + 0.5) / count,
      back: (part) => Math.min(Math.max(Math.floor(part * count), 0), count - 1),
      ticks: () => axis.choices.map((choice, code) => ({ part: (code + 0.5) / count, text: String(choice) })),
    };
  }
  const turn = axis.log ? Math.log : (value) => value;
  const unturn = axis.log ? Math.exp : (value) => value;
  const [low, high] = [turn(axis.low), turn(axis.high)];
  // One value only lies in the middle.
  const at = (value) => (high > low ? (turn(value) - low) / (high - low) : 0.5);
  const ticks = axis.log ? logTicks : linearTicks;
  return {
    at,
    back: (part) => unturn(low + part * (high - low)),
    ticks: (most) => (high > low ? ticks(axis.low, axis.high, most) : [axis.low]).map((value) => ({ part: at(value), text: number(value) })),
  };
}

// Room above and below, so that no point lies on the frame.
export function padded(axis) {
  if (axis.choices) return axis;
  if (axis.log) {
    const factor = (axis.high / axis.low) ** 0.05 || 1.1;
    return { ...axis, low: axis.low / Math.max(factor, 1.02), high: axis.high * Math.max(factor, 1.02) };
  }
  const room = (axis.high - axis.low) * 0.05 || Math.abs(axis.high) * 0.1 || 1;
  return { ...axis, low: axis.low - room, high: axis.high + room };
}

// Viridis: even steps of lightness, also for people who see few hues. The best values stand out from either background.
const VIRIDIS = [[68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37]];
const RANGE = { light: [0.9, 0], dark: [0.12, 1] };

export function colorOf(goodness) {
  const [worst, best] = RANGE[document.documentElement.dataset.bsTheme] ?? RANGE.light;
  const place = (worst + (best - worst) * Math.min(Math.max(goodness, 0), 1)) * (VIRIDIS.length - 1);
  const index = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const mixed = VIRIDIS[index].map((part, channel) => Math.round(part + (VIRIDIS[index + 1][channel] - part) * (place - index)));
  return `rgb(${mixed.join(", ")})`;
}
