// A chart of one point per run: axes, marks, the nearest point's values under the pointer or by arrow keys, Enter to open.

import { Frame, point } from "./frame.js";
import { duration, number } from "../words.js";
import { padded, scaleOf, valueText } from "./scale.js";
import { label, marks, node } from "../svg.js";

const NEAR_PX = 30;
const MANY = 1000;
// No point lies on the frame.
const INSET_PX = 10;

export class PointChart extends Frame {
  constructor(card, runUrl) {
    super(card);
    this.runUrl = runUrl;
    this.points = [];
    this.at = -1;
    this.svg.setAttribute("tabindex", "0");
    this.svg.setAttribute("aria-roledescription", "chart; arrow keys go from run to run, Enter opens one");
    this.svg.addEventListener("pointermove", (event) => this.read(this.nearest(...point(this.svg, event))));
    // A finger reads a point first; the same point again opens it.
    this.svg.addEventListener("pointerdown", (event) => {
      const near = this.nearest(...point(this.svg, event));
      this.opens = event.pointerType !== "touch" || near === this.at;
      this.read(near);
    });
    this.svg.addEventListener("pointerleave", (event) => { if (event.pointerType !== "touch") this.read(-1); });
    this.svg.addEventListener("blur", () => this.read(-1));
    this.svg.addEventListener("click", () => { if (this.opens) this.open(); });
    this.svg.addEventListener("keydown", (event) => this.walk(event));
  }

  // The frame of the drawing: y is the objective; x has a scale, its ticks and a name.
  axes(height, y, x) {
    const narrow = this.width < 500;
    this.area = { left: narrow ? 44 : 58, right: this.width - 12, top: 10, bottom: height - 46 };
    const { left, right, top, bottom } = this.area;
    const scale = scaleOf(padded(y));
    this.yAt = (value) => bottom - scale.at(value) * (bottom - top);
    this.xAt = (part) => left + INSET_PX + part * (right - left - 2 * INSET_PX);
    const rows = scale.ticks(narrow ? 5 : 6).map(({ part, text }) => [bottom - part * (bottom - top), text]);
    const room = (right - left) / Math.max(x.ticks.length, 1);
    return node("g", { class: "plot-axes" },
      ...rows.map(([at]) => node("path", { class: "plot-grid", d: `M${left} ${at}H${right}` })),
      node("path", { class: "plot-line", d: `M${left} ${bottom}H${right}` }),
      ...rows.map(([at, text]) => node("text", { x: left - 8, y: at, "text-anchor": "end", "dominant-baseline": "middle" }, text)),
      ...x.ticks.map(({ part, text }) => label(text, room, { x: this.xAt(part), y: bottom + 18, "text-anchor": "middle" })),
      node("text", { class: "plot-name", x: (left + right) / 2, y: height - 6, "text-anchor": "middle" }, x.name),
    );
  }

  // What was read before is read on, wherever it lies now.
  dots(points) {
    const read = this.points[this.at]?.run.number;
    this.points = points.sort((a, b) => a.x - b.x || a.run.number - b.run.number);
    this.ring = node("circle", { class: "plot-ring", r: 8, "data-screen-only": "" });
    this.read(this.points.findIndex(({ run }) => run.number === read));
    return [node("g", { class: points.length > MANY ? "is-many" : null }, ...marks(points, points.length > MANY ? 2.2 : 4.5)), this.ring];
  }

  nearest(x, y) {
    let [found, best] = [-1, NEAR_PX ** 2];
    this.points.forEach((each, index) => {
      const far = (each.x - x) ** 2 + (each.y - y) ** 2;
      if (far < best) [found, best] = [index, far];
    });
    return found;
  }

  read(index) {
    this.at = index;
    const found = this.points[index];
    this.svg.classList.toggle("is-near", Boolean(found));
    if (!this.ring) return;
    this.ring.toggleAttribute("hidden", !found);
    if (!found) {
      this.tip.hidden = true;
      return;
    }
    this.ring.setAttribute("cx", found.x);
    this.ring.setAttribute("cy", found.y);
    const { run } = found;
    const value = run.objective === null ? "no value" : `${this.sweep.objective.metric} ${number(run.objective)}`;
    const params = this.sweep.axes.slice(0, 8).filter((axis) => this.sweep.code(run, axis) !== null)
      .map((axis) => `${axis.name} ${valueText(axis, this.sweep.code(run, axis))}`);
    this.show(found.x, found.y, `Run #${run.number} · ${run.state}`, value, ...params, ...(run.seconds ? [duration(run.seconds)] : []));
  }

  walk(event) {
    const last = this.points.length - 1;
    const to = { ArrowRight: Math.min(this.at + 1, last), ArrowLeft: Math.max(this.at - 1, 0), Home: 0, End: last, Escape: -1 }[event.key];
    if (event.key === "Enter") return this.open();
    if (to === undefined) return;
    event.preventDefault();
    this.read(to);
  }

  open() {
    const found = this.points[this.at];
    if (found) location.assign(this.runUrl(found.run.number));
  }
}
