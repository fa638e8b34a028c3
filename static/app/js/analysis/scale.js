// Where values lie on an axis, and how they read there.

import { number, numberTick } from "../words.js";

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
  // Between decades that are left out, more would lie unevenly.
  const choices = every === 1 ? [within([1, 2, 5]), within([1])] : [within([1])];
  const found = choices.find((ticks) => ticks.length > 1 && ticks.length <= most + 1) ?? choices.find((ticks) => ticks.length > 1);
  return found ?? linearTicks(low, high, most);
}

const TIME_STEPS = [1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 28800, 43200, 86400];

export function timeTicks(span, most) {
  let step = TIME_STEPS.find((size) => span / size <= most);
  if (!step) step = 86400 * Math.ceil(span / 86400 / most);
  return Array.from({ length: Math.floor(span / step) + 1 }, (_, index) => index * step);
}

// A scale from 0 to 1: at(code), back(part), ticks(most). pin(part) is what lies there, and partOf(pin) where that lies on
// another scale of the same axis, undefined if it does not.
export function scaleOf(axis) {
  if (axis.choices) {
    const count = axis.choices.length;
    return {
      at: (code) => (code + 0.5) / count,
      back: (part) => Math.min(Math.max(Math.floor(part * count), 0), count - 1),
      pin: (part) => {
        const code = Math.min(Math.floor(part * count), count - 1);
        return { choice: axis.choices[code], share: part * count - code };
      },
      partOf: ({ choice, share }) => {
        const code = axis.choices.indexOf(choice);
        return code < 0 ? undefined : (code + share) / count;
      },
      ticks: () => axis.choices.map((choice, code) => ({ part: (code + 0.5) / count, text: String(choice) })),
    };
  }
  const turn = axis.log ? Math.log : (value) => value;
  const unturn = axis.log ? Math.exp : (value) => value;
  const [low, high] = [turn(axis.low), turn(axis.high)];
  // One value only lies in the middle.
  const at = (value) => (high > low ? (turn(value) - low) / (high - low) : 0.5);
  const back = (part) => unturn(low + part * (high - low));
  const ticks = axis.log ? logTicks : linearTicks;
  return {
    at,
    back,
    pin: (part) => ({ value: back(part) }),
    partOf: ({ value }) => (value === undefined ? undefined : at(Math.max(value, axis.low))),
    ticks: (most) => (high > low ? ticks(axis.low, axis.high, most) : [axis.low]).map((value) => ({ part: at(value), text: numberTick(value) })),
  };
}

// How far aside a run lies within its band, from -0.5 to 0.5: neighbours apart, and each always at the same place.
export function spread(run) {
  return ((run.number * 0.618) % 1) - 0.5;
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
