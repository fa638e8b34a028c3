// The curves as an SVG picture, for export.js.

import { node } from "../svg.js";
import { css } from "./colors.js";
import { BAND, FAINT, columnsOf, onAxes } from "./plot.js";

const scale = () => window.devicePixelRatio || 1;

function drawn({ color, dash }, { raw, high, low, line }) {
  const stroke = (points, more) => node("polyline", { points: points.join(" "), fill: "none", stroke: color, ...more });
  return [
    high ? node("polygon", { points: [...high, ...low.reverse()].join(" "), fill: color, "fill-opacity": BAND }) : "",
    raw ? stroke(raw, { "stroke-width": 1, "stroke-opacity": FAINT }) : "",
    line.length === 1 ? node("circle", { cx: line[0][0], cy: line[0][1], r: 2.5, fill: color })
      : stroke(line, { "stroke-width": 2, "stroke-dasharray": dash.join(" ") }),
  ].filter(Boolean);
}

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
  root.append(node("text", { x: left + width / 2, y: top + height + 40, "text-anchor": "middle", ...text }, uplot.axes[0].label ?? ""));
  const { min, max } = uplot.scales.x;
  const placed = (column) => {
    const { xs, values } = onAxes(column, logX, logY);
    return xs.flatMap((x, index) => (x < min || x > max || !Number.isFinite(values[index]) ? []
      : [[left + uplot.valToPos(x, "x"), top + uplot.valToPos(values[index], "y")].map((at) => at.toFixed(1))]));
  };
  curves.forEach((curve, index) => {
    const parts = Object.fromEntries(columnsOf(curve).map((column) => [column.part, placed(column)]));
    root.append(...drawn(curve, parts));
    const [column, row] = [index % 6, Math.floor(index / 6)];
    const at = { x: left + column * (width / 6), y: uplot.height + 14 + 24 * row };
    root.append(node("rect", { x: at.x, y: at.y - 9, width: 10, height: 10, fill: curve.color }), node("text", { x: at.x + 15, y: at.y, ...text }, curve.label));
  });
  return root;
}
