// Colours and dashes of curves, which runs share with the table.

const COLORS = 10;
const DASHES = [[], [8, 4], [2, 4]];
// A parameter whose values span so much is shown by its logarithm.
const LOG_SPAN = 100;

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function runClass(number) {
  return `run-color-${(number - 1) % COLORS + 1} run-turn-${Math.floor((number - 1) / COLORS) % DASHES.length}`;
}

export function runColor(number) {
  return css(`--run-color-${(number - 1) % COLORS + 1}`);
}

export function runDash(number) {
  return DASHES[Math.floor((number - 1) / COLORS) % DASHES.length];
}

// Where each value lies between the smallest and the largest: its share; a text has none.
export function shares(values) {
  const numbers = values.filter((value) => typeof value === "number" && Number.isFinite(value));
  const low = Math.min(...numbers);
  const high = Math.max(...numbers);
  const log = low > 0 && high / low >= LOG_SPAN;
  const place = (value) => (log ? Math.log(value) : value);
  const share = (value) => {
    if (typeof value !== "number" || !Number.isFinite(value)) return undefined;
    return high === low ? 0.5 : (place(value) - place(low)) / (place(high) - place(low));
  };
  return { low, high, log, share, numeric: numbers.length > 0 };
}
