// The x axes of curves, in words.

import { clock, duration } from "../words.js";

export const AXES = { step: "Step", time: "Time", relative: "Run time" };
export const OVER = { step: "steps", time: "time", relative: "run time" };

export function place(x, value) {
  if (x === "step") return `Step ${Number(value.toPrecision(12)).toLocaleString("en")}`;
  return x === "time" ? clock(value) : `After ${duration(value)}`;
}
