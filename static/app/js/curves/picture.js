// The curves as an SVG picture, for export.js.

import { node } from "../svg.js";
import { css } from "./colors.js";
import { onAxes } from "./plot.js";

const scale = () => window.devicePixelRatio || 1;

// What uPlot draws on its canvas: axes, grid, curves, and a legend below.
export function picture(plot, curves, { logX, logY }) {
  const { uplot } = plot;
  const [left, top, width, height] = ["left", "top", "width", "height"].map((side) => uplot.bbox[side] / scale());
  const whole = { width: uplot.width, height: uplot.height + 24 * Math.ceil(curves.length / 6) };
  const root = node("svg", { viewBox: `0 0 ${whole.width} ${whole.height}`, "font-size": 12 });
  const text = { fill: css("--chart-text") };
  const grid = { stroke: css("--chart-grid") };
  uplot.axes.forEach((axis, index) => axis._splits?.forEach((split, tick) => {
    const at = uplot.valToPos(split, index ? "y" : "x") + (index ? top : left);
    const words = axis._values[tick] ?? "";
    if (index) root.append(node("line", { x1: left, x2: left + width, y1: at, y2: at, ...grid }), node("text", { x: left - 6, y: at + 4, "text-anchor": "end", ...text }, words));
    else root.append(node("line", { x1: at, x2: at, y1: top, y2: top + height, ...grid }), node("text", { x: at, y: top + height + 18, "text-anchor": "middle", ...text }, words));
  }));
  const { min, max } = uplot.scales.x;
  curves.forEach((curve, index) => {
    const shown = onAxes(curve, logX, logY);
    const points = shown.xs.flatMap((x, point) => (x < min || x > max || !Number.isFinite(shown.values[point]) ? []
      : [`${(left + uplot.valToPos(x, "x")).toFixed(1)},${(top + uplot.valToPos(shown.values[point], "y")).toFixed(1)}`]));
    root.append(node("polyline", { points: points.join(" "), fill: "none", stroke: curve.color, "stroke-width": 2, "stroke-dasharray": curve.dash.join(" ") }));
    const [column, row] = [index % 6, Math.floor(index / 6)];
    const at = { x: left + column * (width / 6), y: uplot.height + 14 + 24 * row };
    root.append(node("rect", { x: at.x, y: at.y - 9, width: 10, height: 10, fill: curve.color }), node("text", { x: at.x + 15, y: at.y, ...text }, curve.label));
  });
  return root;
}
