// The part of each axis that is brushed: two handles per axis, by pointer, finger or keys. Parts run from 0 to 1; below 0
// lies the place of runs without a value, if the axis has any. What is kept are the values there, as axes grow while runs
// come; an end of an axis stays one.

import { point } from "./frame.js";
import { node } from "../svg.js";

export const MISSING = -0.09;
const MISSING_EDGE = -0.13;
const STEP = 0.02;
const CLICK = 0.012;
const HIT_PX = 34;
const GRIP_PX = 15;

export class Brushes {
  constructor(changed) {
    this.changed = changed;
    this.pins = new Map();
  }

  ends(axis) {
    return [axis.misses ? MISSING_EDGE : 0, 1];
  }

  of(axis) {
    const ends = this.ends(axis);
    const pins = this.pins.get(axis.id);
    if (!pins) return ends;
    return pins.map((pin, end) => Math.min(Math.max(pin.end ?? axis.scale.partOf(pin) ?? ends[end], ends[0]), ends[1]));
  }

  holds(axis, part) {
    const [from, to] = this.of(axis);
    return part >= from - 1e-9 && part <= to + 1e-9;
  }

  // A brush over all of the axis is none.
  set(axis, from, to) {
    const [low, high] = this.ends(axis);
    const part = [Math.max(Math.min(from, to), low), Math.min(Math.max(from, to), high)];
    if (part[0] <= low && part[1] >= high) this.pins.delete(axis.id);
    else this.pins.set(axis.id, part.map((at) => (at > 0 && at < 1 ? axis.scale.pin(at) : { end: at })));
    this.changed();
  }

  clear(id) {
    if (id === undefined) this.pins.clear();
    else this.pins.delete(id);
    this.changed();
  }

  // Elements of one axis; `place(part)` is where a part lies along it and `across` where the axis itself does.
  draw(axis, { across, place, upright, words }) {
    const [from, to] = this.of(axis);
    const [low, high] = this.ends(axis);
    const box = (a, b, size, more) => {
      const [start, end] = [Math.min(place(a), place(b)), Math.max(place(a), place(b))];
      const along = upright ? { x: across - size / 2, y: start, width: size, height: end - start } : { x: start, y: across - size / 2, width: end - start, height: size };
      return node("rect", { ...along, ...more });
    };
    const parts = [box(low, high, HIT_PX, { class: `brush-area ${upright ? "is-upright" : "is-flat"}`, "data-brush": axis.id, "data-screen-only": "" })];
    if (this.pins.has(axis.id)) parts.push(box(from, to, 16, { class: "brush" }));
    return [...parts, this.grip(axis, 0, { across, place, upright, words }), this.grip(axis, 1, { across, place, upright, words })];
  }

  grip(axis, end, { across, place, upright, words }) {
    const part = this.of(axis)[end];
    const at = place(part);
    const [width, height] = upright ? [GRIP_PX * 1.4, 6] : [6, GRIP_PX * 1.4];
    const [x, y] = upright ? [across - width / 2, at - 3] : [at - 3, across - height / 2];
    const [low, high] = this.ends(axis);
    return node("rect", {
      class: `brush-grip ${this.pins.has(axis.id) ? "is-set" : ""}`, x, y, width, height, rx: 3,
      role: "slider", tabindex: "0", "data-key": `${axis.id} ${end}`, "data-grip": end, "data-brush": axis.id, "data-screen-only": "",
      "aria-label": `${axis.name}, ${end ? "to" : "from"}`, "aria-orientation": upright ? "vertical" : "horizontal",
      "aria-valuemin": low, "aria-valuemax": high, "aria-valuenow": part.toFixed(3), "aria-valuetext": words(part),
    });
  }

  // `found(id)` is that axis with `back(x, y)`, the part that lies there, and `step`.
  listen(svg, found) {
    svg.addEventListener("pointerdown", (event) => {
      const axis = event.button === 0 && event.target.dataset.brush !== undefined ? found(event.target.dataset.brush) : null;
      if (!axis) return;
      const begin = axis.back(...point(svg, event));
      const [from, to] = this.of(axis);
      const end = event.target.dataset.grip;
      const inside = this.pins.has(axis.id) && begin > from && begin < to;
      this.drag = { axis: axis.id, begin, from, to, moves: end === undefined ? (inside ? "all" : "new") : end };
      svg.setPointerCapture(event.pointerId);
    });
    svg.addEventListener("pointermove", (event) => {
      const axis = this.drag && found(this.drag.axis);
      if (!axis) return;
      const { begin, from, to, moves } = this.drag;
      const at = axis.back(...point(svg, event));
      if (moves === "new" && Math.abs(at - begin) > CLICK) this.set(axis, begin, at);
      else if (moves === "all") this.set(axis, from + at - begin, to + at - begin);
      else if (moves === "0") this.set(axis, at, to);
      else if (moves === "1") this.set(axis, from, at);
    });
    // A click beside the brush takes it away.
    svg.addEventListener("pointerup", (event) => {
      const axis = this.drag?.moves === "new" && found(this.drag.axis);
      if (axis && Math.abs(axis.back(...point(svg, event)) - this.drag.begin) <= CLICK) this.clear(axis.id);
      this.drag = null;
    });
    svg.addEventListener("pointercancel", () => { this.drag = null; });
    svg.addEventListener("keydown", (event) => this.key(event, found));
  }

  key(event, found) {
    const axis = event.target.dataset.grip === undefined ? null : found(event.target.dataset.brush);
    if (!axis) return;
    if (event.key === "Escape" || event.key === "Delete") {
      event.preventDefault();
      return this.clear(axis.id);
    }
    const end = Number(event.target.dataset.grip);
    const [low, high] = this.ends(axis);
    const part = this.of(axis)[end];
    const step = axis.step ?? STEP;
    const to = { ArrowUp: part + step, ArrowRight: part + step, ArrowDown: part - step, ArrowLeft: part - step, PageUp: part + 5 * step, PageDown: part - 5 * step, Home: low, End: high }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const other = this.of(axis)[1 - end];
    // The handles do not pass each other.
    if (end) this.set(axis, other, Math.max(to, other));
    else this.set(axis, Math.min(to, other), other);
  }
}
