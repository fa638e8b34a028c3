// The box beside the cursor: the values of all curves there, the nearest ones if there are many.

import { made, placeTip } from "../dom.js";
import { deviation as spread, number } from "../words.js";
import { place } from "./axes.js";
import { nearest } from "./transform.js";

// On a narrow screen more would cover the chart.
const MAX_LINES = { narrow: 6, wide: 12 };
const REACH = 0.04; // of what is seen of the x axis

export class Readout {
  constructor(box) {
    this.box = box;
  }

  hide() {
    this.box.hidden = true;
  }

  show(curves, { x: at, left, top, width, focused }, { x, metric, seen }) {
    const lines = curves.flatMap((curve) => {
      const index = curve.hidden ? -1 : nearest(curve, at, REACH * seen);
      return index < 0 || !Number.isFinite(curve.values[index]) ? [] : [{ curve, at: curve.xs[index], value: curve.values[index], deviation: curve.deviations?.[index] }];
    });
    if (!lines.length) return this.hide();
    const closest = lines.find((line) => line.curve.name === focused) ?? lines.reduce((best, line) => (Math.abs(line.at - at) < Math.abs(best.at - at) ? line : best));
    const most = width < 500 ? MAX_LINES.narrow : MAX_LINES.wide;
    lines.sort((one, other) => other.value - one.value);
    const middle = lines.indexOf(closest);
    const from = Math.max(0, Math.min(middle - most / 2, lines.length - most));
    const head = made("div", { className: "chart-tip-head" }, `${place(x, closest.at)} · ${metric}`);
    const shown = lines.slice(from, from + most).map((line) => this.line(line, line === closest && lines.length > 1));
    if (lines.length > most) shown.push(made("div", { className: "chart-tip-more" }, `${lines.length - most} more`));
    this.box.replaceChildren(head, ...shown);
    placeTip(this.box, left, top, width);
  }

  line({ curve, value, deviation }, focused) {
    const text = deviation ? `${number(value)} ± ${spread(deviation)}` : number(value);
    return made("div", { className: focused ? "chart-tip-line chart-tip-focus" : "chart-tip-line" }, curve.mark(), curve.label, made("b", {}, text));
  }
}
