// Parallel coordinates: a line per run across an axis per parameter and the objective. Axes stand upright, on a narrow
// screen they lie. Brushes on them choose runs.

import { Brushes, MISSING } from "./brushes.js";
import { Frame, point } from "./frame.js";
import { made } from "../dom.js";
import { colorKey, colorOf } from "../viridis.js";
import { duration, number } from "../words.js";
import { scaleOf, spread, valueText } from "./scale.js";
import { label, node } from "../svg.js";

const NARROW_PX = 560;
const MAX_AXES = 11;
const SHADES = 16;
// So many elements are drawn quickly; more lines share them.
const MAX_PATHS = 400;
const NEAR_PX = 10;
// Of the height of a band.
const BAND = 0.5;
const BAND_PX = 16;

export class Parallel extends Frame {
  constructor(card, chosen) {
    super(card);
    this.chosen = chosen;
    this.menu = card.querySelector("[data-parallel-axes]");
    this.hidden = new Set();
    this.offered = new Set();
    this.brushes = new Brushes(() => this.redraw());
    this.brushes.listen(this.svg, (id) => this.axes?.find((axis) => axis.id === id));
    card.querySelector("[data-parallel-clear]").addEventListener("click", () => this.brushes.clear());
    this.menu.addEventListener("change", ({ target }) => {
      if (target.checked) this.hidden.delete(target.value);
      else {
        this.hidden.add(target.value);
        this.brushes.pins.delete(`params.${target.value}`);
      }
      this.redraw();
    });
    this.svg.addEventListener("pointermove", (event) => this.hover(point(this.svg, event)));
    this.svg.addEventListener("pointerleave", () => this.hover(null));
  }

  update(sweep) {
    this.sweep = sweep;
    this.runs = sweep.begun;
    this.version = (this.version ?? 0) + 1;
    for (const { name } of sweep.axes) {
      if (this.offered.has(name)) continue;
      this.offered.add(name);
      if (this.offered.size > MAX_AXES) this.hidden.add(name);
    }
    this.offer();
    this.redraw();
  }

  offer() {
    const panel = this.menu.querySelector(".menu-panel");
    const names = this.sweep.axes.map((axis) => axis.name);
    this.menu.hidden = names.length < 2;
    if ([...panel.querySelectorAll("input")].map((box) => box.value).join("\n") === names.join("\n")) return;
    panel.replaceChildren(...names.map((name) => made("label", { className: "dropdown-item" },
      made("input", { type: "checkbox", className: "form-check-input", value: name, checked: !this.hidden.has(name) }), name)));
  }

  // Where everything lies. `place` maps a part of an axis to pixels along it, `across` is where the axis itself is.
  layout() {
    const shown = this.sweep.axes.filter((axis) => !this.hidden.has(axis.name));
    const all = this.sweep.objectiveAxis ? [...shown, this.sweep.objectiveAxis] : shown;
    this.upright = this.width >= NARROW_PX;
    this.height = this.upright ? 360 : all.length * 74 + 20;
    const missing = all.map((axis) => this.runs.some((run) => this.sweep.code(run, axis) === null));
    const foot = missing.some(Boolean) ? 40 : 14;
    const [start, end] = this.upright ? [this.height - foot, 40] : [missing.some(Boolean) ? 64 : 20, this.width - 20];
    const side = this.upright ? Math.min(Math.max(this.width / (all.length + 1) / 2, 50), 90) : 40;
    const room = (this.upright ? this.width : this.height) - 2 * side;
    this.room = room / Math.max(all.length - 1, 1);
    const place = (part) => start + part * (end - start);
    this.axes = all.map((axis, index) => {
      const scale = scaleOf(axis);
      return {
        ...axis, source: axis, scale, place, misses: missing[index],
        id: axis === this.sweep.objectiveAxis ? `metrics.${axis.name}` : `params.${axis.name}`,
        isObjective: axis === this.sweep.objectiveAxis,
        across: all.length > 1 ? side + index * this.room : (this.upright ? this.width : this.height) / 2,
        back: (x, y) => ((this.upright ? y : x) - start) / (end - start),
        step: axis.choices ? 1 / axis.choices.length : undefined,
        words: (part) => (part < 0 ? "not set" : valueText(axis, scale.back(Math.min(part, 1 - 1e-9)))),
      };
    });
  }

  part(run, axis) {
    const code = this.sweep.code(run, axis.source);
    return code === null ? MISSING : axis.scale.at(code);
  }

  // Lines of one choice lie side by side within its band, each always at the same place.
  aside(run, axis, part) {
    return axis.choices && part >= 0 ? part + spread(run) * axis.step * BAND : part;
  }

  // A run with its parts of the axes, where these are seen, and the line through them.
  line(run) {
    const parts = this.axes.map((axis) => this.part(run, axis));
    const along = this.axes.map((axis, index) => Math.round(axis.place(this.aside(run, axis, parts[index])) * 10) / 10);
    const d = this.axes.map(({ across }, index) => `${index ? "L" : "M"}${this.upright ? `${across} ${along[index]}` : `${along[index]} ${across}`}`).join("");
    return { run, parts, along, d };
  }

  // Brushing moves no line.
  lay() {
    const laid = JSON.stringify([this.width, this.version, ...this.hidden]);
    if (laid === this.laid) return;
    this.laid = laid;
    this.layout();
    this.lines = this.runs.map((run) => this.line(run));
  }

  draw() {
    if (!this.sweep) return;
    if (!this.runs.length) return this.reset("The lines appear when the first runs begin.");
    if (!this.sweep.axes.length) return this.reset("No parameter varies: all runs have the same values.");
    this.lay();
    this.picked = this.lines.filter(({ parts }) => this.axes.every((axis, index) => this.brushes.holds(axis, parts[index])));
    const picked = new Set(this.picked);
    const rest = this.lines.filter((line) => !picked.has(line)).map(({ d }) => d).join("");
    this.over = node("path", { class: "plot-over", d: "", "data-screen-only": "" });
    this.paper(this.height,
      rest ? node("path", { class: "plot-rest", d: rest }) : "",
      ...this.shaded(),
      ...this.axes.flatMap((axis) => this.scaleMarks(axis)),
      this.over,
      ...this.axes.flatMap((axis) => this.brushes.draw(axis, { across: axis.across, place: axis.place, upright: this.upright, words: axis.words })));
    this.key();
    this.tell();
    this.hover(this.pointer);
    this.chosen(this.picked.map(({ run }) => run), this.axes.filter((axis) => this.brushes.pins.has(axis.id)).map((axis) => ({ axis, part: this.brushes.of(axis) })));
  }

  reset(text) {
    this.nothing(text);
    this.chosen([], []);
  }

  // The best on top. Where many lines lie over each other it gets darker, unless they are one path.
  shaded() {
    const scale = this.sweep.objectiveAxis && scaleOf(this.sweep.objectiveAxis);
    const goodness = ({ objective }) => (this.sweep.maximizes ? scale.at(objective) : 1 - scale.at(objective));
    const plain = this.picked.filter(({ run }) => run.objective === null).map(({ d }) => d).join("");
    const shades = this.picked.filter(({ run }) => run.objective !== null)
      .map(({ run, d }) => ({ shade: Math.min(Math.floor(goodness(run) * SHADES), SHADES - 1), d }))
      .sort((a, b) => a.shade - b.shade);
    const size = Math.ceil(shades.length / MAX_PATHS);
    const paths = [];
    for (const { shade, d } of shades) {
      const last = paths.at(-1);
      if (last?.shade === shade && last.count < size) Object.assign(last, { d: last.d + d, count: last.count + 1 });
      else paths.push({ shade, d, count: 1 });
    }
    const opacity = Math.min(Math.max(8 / Math.sqrt(shades.length), 0.15), 0.9);
    return [
      plain ? node("path", { class: "plot-plain", d: plain }) : "",
      ...paths.map(({ shade, d }) => node("path", { class: "plot-lines", d, stroke: colorOf((shade + 0.5) / SHADES), "stroke-opacity": opacity })),
    ];
  }

  scaleMarks(axis) {
    const { across, place } = axis;
    const name = `${axis.name}${axis.log ? " (log)" : ""}`;
    const ticks = axis.scale.ticks(this.upright ? 6 : 4);
    const apart = Math.abs(place(1) - place(0)) / Math.max(ticks.length, 1);
    const skip = this.upright && axis.choices ? Math.ceil(14 / apart) : 1;
    const shown = ticks.filter((_, index) => index % skip === 0);
    if (axis.misses) shown.push({ part: MISSING, text: axis.isObjective ? "no value" : "not set" });
    const head = axis.isObjective ? "plot-head is-objective" : "plot-head";
    if (this.upright) {
      return [
        label(name, this.room - 8, { class: head, x: across, y: 18, "text-anchor": "middle" }),
        node("path", { class: "plot-axis", d: `M${across} ${place(0)}V${place(1)}` }),
        ...this.bands(axis),
        ...shown.map(({ part, text }) => label(text, this.room - 24, { class: "plot-tick", x: across + 17, y: place(part), "dominant-baseline": "middle" })),
      ];
    }
    return [
      label(name, this.width - 20, { class: head, x: 4, y: across - 20 }),
      node("path", { class: "plot-axis", d: `M${place(0)} ${across}H${place(1)}` }),
      ...this.bands(axis),
      ...shown.map(({ part, text }) => label(text, Math.max(apart - 4, 40), { class: "plot-tick", x: place(part), y: across + 22, "text-anchor": "middle" })),
    ];
  }

  bands({ across, choices = [], place, step }) {
    return choices.map((_, code) => {
      const [from, to] = [code + (1 - BAND) / 2 - 0.05, code + (1 + BAND) / 2 + 0.05].map((at) => place(at * step));
      const [start, size] = [Math.min(from, to), Math.abs(to - from)];
      const box = this.upright ? { x: across - BAND_PX / 2, y: start, width: BAND_PX, height: size } : { x: start, y: across - BAND_PX / 2, width: size, height: BAND_PX };
      return node("rect", { class: "plot-band", ...box, rx: 3 });
    });
  }

  // The scale of colours, in words.
  key() {
    if (!this.sweep.objectiveAxis) return this.legend.replaceChildren();
    const { low, high } = this.sweep.objectiveAxis;
    const [worst, best] = this.sweep.maximizes ? [low, high] : [high, low];
    this.legend.replaceChildren(made("li", {}, `${this.sweep.objective.metric}: worst ${number(worst)}`, colorKey(), `best ${number(best)}`));
  }

  tell() {
    const brushed = this.axes.filter((axis) => this.brushes.pins.has(axis.id)).map((axis) => {
      const [from, to] = this.brushes.of(axis);
      return `${axis.name} from ${axis.words(from)} to ${axis.words(to)}`;
    });
    const constant = Object.entries(this.sweep.constant).map(([name, value]) => `${name} ${value}`);
    const out = this.sweep.parametersLeftOut;
    this.say([
      constant.length ? `The same in all runs: ${constant.slice(0, 12).join(", ")}${constant.length > 12 ? ", …" : ""}.` : "",
      out.length ? `Without an axis, as they have too many values or there is no room: ${out.slice(0, 12).join(", ")}.` : "",
      this.sweep.note(),
    ].filter(Boolean).join(" "), `${this.lines.length} runs over ${this.axes.length} axes: ${this.axes.map((axis) => axis.name).join(", ")}. ${brushed.length ? `Brushed: ${brushed.join("; ")}.` : "Nothing is brushed."}`);
  }

  // The line nearest to the pointer, between the two axes beside it.
  hover(pointer) {
    this.pointer = pointer;
    if (!pointer || !this.axes?.length || this.brushes.drag) return this.highlight(null);
    const [x, y] = pointer;
    const [across, along] = this.upright ? [x, y] : [y, x];
    const right = this.axes.findIndex((axis) => axis.across >= across);
    const [a, b] = [Math.max(right - 1, 0), right < 0 ? this.axes.length - 1 : right];
    const [from, to] = [this.axes[a].across, this.axes[b].across];
    const share = to > from ? Math.min(Math.max((across - from) / (to - from), 0), 1) : 0;
    let [found, best] = [null, NEAR_PX];
    for (const line of this.picked) {
      const far = Math.abs(line.along[a] + share * (line.along[b] - line.along[a]) - along);
      if (far < best) [found, best] = [line, far];
    }
    this.highlight(found, x, y);
  }

  highlight(line, x = 0, y = 0) {
    if (!this.over) return;
    this.over.setAttribute("d", line?.d ?? "");
    if (!line) {
      this.tip.hidden = true;
      return;
    }
    const { run } = line;
    const values = this.axes.map((axis) => `${axis.name} ${valueText(axis, this.sweep.code(run, axis.source))}`);
    this.show(x, y, `Run #${run.number} · ${run.state}`, ...values, ...(run.seconds ? [duration(run.seconds)] : []));
  }

  rows() {
    const cell = (run, axis) => {
      const code = this.sweep.code(run, axis.source);
      return code === null || !axis.choices ? code : axis.choices[code];
    };
    return [["run", "state", ...this.axes.map((axis) => axis.name)], ...this.picked.map(({ run }) => [run.number, run.state, ...this.axes.map((axis) => cell(run, axis))])];
  }
}
