// Draws curves with uPlot: both themes, any width, log axes, bands, a zoom that stays while points arrive.
// A curve is {name, label, xs, values, raw, deviations, color, dash, hidden}; `raw` is what was smoothed, drawn faintly.

import { durationTick, numberTick } from "../words.js";
import { css } from "./colors.js";
import { AXES } from "./axes.js";
import { filtered, table } from "./transform.js";

const FONT = "12px InterVariable, system-ui, sans-serif";
const ONE_PIXEL = 4; // rows of the table per pixel
export const FAINT = 0.22;
export const BAND = 0.16;
const STEPS = [1, 2, 5].flatMap((digit) => Array.from({ length: 15 }, (_, power) => digit * 10 ** power)).sort((a, b) => a - b);
const SECONDS = [0.001, 0.01, 0.1, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 432000, 864000];

function axis(extra) {
  return { stroke: css("--chart-text"), grid: { stroke: css("--chart-grid"), width: 1 }, ticks: { show: false }, font: FONT, ...extra };
}

// The columns of one curve: what is drawn faintly, the edges of its band, and at last the curve itself.
export function columnsOf(curve) {
  const edge = (sign) => curve.values.map((value, index) => value + sign * curve.deviations[index]);
  return [
    ...(curve.raw ? [{ part: "raw", values: curve.raw }] : []),
    ...(curve.deviations ? [{ part: "high", values: edge(1) }, { part: "low", values: edge(-1) }] : []),
    { part: "line", values: curve.values },
  ].map(({ part, values }) => ({ part, curve, xs: curve.xs, values }));
}

export class Plot {
  // `on` has zoomed(low, high) or zoomed(null), and hovered(place on the axis or null, focused curve or null).
  constructor(box, on) {
    this.box = box;
    this.on = on;
    this.zoom = null;
    this.uplot = null;
    this.shape = "";
    this.columns = [];
    new ResizeObserver(() => this.fit()).observe(box);
    box.addEventListener("keydown", (event) => this.key(event));
  }

  size() {
    const width = Math.max(this.box.clientWidth, 200);
    return { width, height: width < 500 ? 230 : 300 };
  }

  fit(size = this.size()) {
    this.uplot?.setSize(size);
  }

  // Only other curves, other axes or another theme need another uPlot; new points are just data.
  draw(curves, { x, logX, logY }) {
    this.columns = curves.flatMap(columnsOf);
    const shown = this.columns.map((column) => onAxes(column, logX, logY));
    this.lost = shown.reduce((sum, { xs, part }, index) => sum + (part === "line" ? this.columns[index].xs.length - xs.length : 0), 0);
    const { xs, columns } = table(shown, ONE_PIXEL * this.size().width);
    const looks = curves.map(({ name, color, dash }) => [name, color, dash]);
    const parts = this.columns.map(({ part }) => part);
    const shape = JSON.stringify([document.documentElement.dataset.bsTheme, x, logX, logY, looks, parts]);
    if (shape !== this.shape) {
      this.uplot?.destroy();
      this.shape = shape;
      this.uplot = new uPlot(this.options(x, logX, logY), [xs, ...columns], this.box);
      this.uplot.over.addEventListener("dblclick", () => this.show(null));
    } else {
      this.uplot.setData([xs, ...columns]);
    }
    this.columns.forEach(({ curve }, index) => {
      if (this.uplot.series[index + 1].show === curve.hidden) this.uplot.setSeries(index + 1, { show: !curve.hidden });
    });
  }

  clear() {
    this.uplot?.destroy();
    this.uplot = null;
    this.shape = "";
  }

  focus(name) {
    const index = this.columns.findIndex(({ part, curve }) => part === "line" && curve.name === name);
    this.uplot?.setSeries(index < 0 ? null : index + 1, { focus: true });
  }

  // Show a part of the x axis, or all of it.
  show(zoom) {
    this.zoom = zoom;
    this.uplot?.setData(this.uplot.data);
    this.on.zoomed(zoom);
  }

  range(low, high) {
    if (this.zoom) return this.zoom;
    return low === high ? [low - 0.5, high + 0.5] : [low, high];
  }

  options(x, logX, logY) {
    const ticks = { step: { incrs: STEPS }, time: {}, relative: { incrs: SECONDS, space: 80, values: (_, places) => places.map((place) => (place === null ? "" : durationTick(place))) } }[x];
    return {
      ...this.size(),
      legend: { show: false },
      scales: {
        x: { time: x === "time", distr: logX ? 3 : 1, range: (_, low, high) => this.range(low, high) },
        y: { distr: logY ? 3 : 1 },
      },
      focus: { alpha: 0.25 },
      cursor: {
        focus: { prox: 30 }, points: { size: 8 }, drag: { x: true, y: false, setScale: false },
        hover: { prox: null, skip: [undefined, null] },
      },
      axes: [
        axis({ label: AXES[x], labelSize: 20, labelFont: FONT, size: 34, ...(logX && x !== "relative" ? {} : ticks) }),
        axis({ size: 58, values: (_, places) => places.map((place) => (place === null ? "" : numberTick(place))) }),
      ],
      series: [{}, ...this.columns.map((column) => seriesOf(column))],
      bands: this.columns.flatMap(({ part, curve }, index) => (
        part === "high" ? [{ series: [index + 1, index + 2], fill: () => faint(curve.color, BAND) }] : [])),
      hooks: {
        setSelect: [({ select, posToVal }) => this.selected(select, posToVal)],
        setCursor: [() => this.hover()],
        setSeries: [(_, index, { focus }) => {
          if (focus === undefined) return;
          this.focused = index;
          this.hover();
        }],
      },
    };
  }

  selected({ left, width }) {
    if (width < 3) return;
    const at = (pixel) => this.uplot.posToVal(pixel, "x");
    this.uplot.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
    this.show([at(left), at(left + width)]);
  }

  hover() {
    const { left, top } = this.uplot.cursor;
    if (left === undefined || left < 0) return this.on.hovered(null);
    const focused = this.focused > 0 ? this.columns[this.focused - 1]?.curve.name : null;
    const { offsetLeft, clientWidth } = this.uplot.over;
    this.on.hovered({ x: this.uplot.posToVal(left, "x"), left: offsetLeft + left, top, width: offsetLeft + clientWidth, focused });
  }

  // The arrows move along the curves, so that nobody needs a mouse to read them.
  key(event) {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!this.uplot || (!step && event.key !== "Escape")) return;
    event.preventDefault();
    if (!step) {
      this.uplot.setCursor({ left: -10, top: -10 });
      return this.zoom && this.show(null);
    }
    const [xs] = this.uplot.data;
    const { min, max } = this.uplot.scales.x;
    const seen = (row) => xs[row] >= min && xs[row] <= max && this.columns.some((_, index) => this.uplot.data[index + 1][row] !== undefined);
    let row = this.uplot.cursor.left >= 0 ? this.uplot.posToIdx(this.uplot.cursor.left) : step > 0 ? -1 : xs.length;
    do row += step; while (row >= 0 && row < xs.length && !seen(row));
    if (row < 0 || row >= xs.length) return;
    this.uplot.setCursor({ left: this.uplot.valToPos(xs[row], "x"), top: this.uplot.over.clientHeight / 2 });
  }
}

function seriesOf({ part, curve }) {
  const edge = part === "high" || part === "low";
  return {
    label: curve.label,
    stroke: () => (part === "line" ? curve.color : faint(curve.color, FAINT)),
    width: part === "line" ? 2 : edge ? 0 : 1,
    dash: part === "line" ? curve.dash : undefined,
    spanGaps: true,
    points: part === "line" && !curve.raw ? { size: 5 } : { show: false },
  };
}

function faint(color, share) {
  return `color-mix(in srgb, ${color} ${100 * share}%, transparent)`;
}

// A log axis has no place for what is not above zero. A gap, which is null, stays one.
export function onAxes(column, logX, logY) {
  if (!logX && !logY) return column;
  return filtered(column, (x, value) => (!logX || x > 0) && (!logY || value === null || !(value <= 0)));
}
