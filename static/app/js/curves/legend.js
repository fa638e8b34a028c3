// Below the chart: a button per curve that hides it, the scale of the colours, and all values as a table.

import { made } from "../dom.js";
import { colorKey } from "../viridis.js";
import { number } from "../words.js";
import { place } from "./axes.js";

const MAX_ITEMS = 40;

export class Legend {
  // `on` has toggle(name, hidden) and focus(name or null).
  constructor(list, on) {
    this.list = list;
    this.on = on;
  }

  show(curves) {
    const key = JSON.stringify(curves.map(({ name, label, color, hidden }) => [name, label, color, hidden]));
    if (key === this.shown) return;
    this.shown = key;
    const focused = this.list.contains(document.activeElement) ? document.activeElement.dataset.name : null;
    const items = curves.length < 2 ? [] : curves.slice(0, MAX_ITEMS).map((curve) => made("li", {}, this.button(curve)));
    if (curves.length > MAX_ITEMS) items.push(made("li", { textContent: `and ${curves.length - MAX_ITEMS} more` }));
    this.list.replaceChildren(...items);
    if (focused) [...this.list.querySelectorAll("button")].find((button) => button.dataset.name === focused)?.focus();
  }

  button(curve) {
    const button = made("button", { type: "button", className: "legend-item" }, curve.mark(), curve.label);
    button.dataset.name = curve.name;
    button.setAttribute("aria-pressed", String(!curve.hidden));
    button.setAttribute("aria-label", `Show ${curve.label.replace("#", "run ")}`);
    button.addEventListener("click", () => this.on.toggle(curve.name, !curve.hidden));
    for (const name of ["mouseenter", "focus"]) button.addEventListener(name, () => this.on.focus(curve.name));
    for (const name of ["mouseleave", "blur"]) button.addEventListener(name, () => this.on.focus(null));
    return button;
  }
}

// The scale of a parameter's values, from low to high.
export function showScale(box, { ends, name }) {
  box.hidden = !ends;
  if (!ends) return;
  box.replaceChildren(made("span", { textContent: name }), ends[0], colorKey(), ends[1]);
}

// What the curves say, for those who do not see them.
export function valueTable(curves, { x }, metric) {
  const head = made("tr", {}, ...["Curve", "Points", "Last", "At", "Smallest", "Largest"].map((text, index) => (
    made("th", { textContent: text, scope: "col", className: index ? "text-end" : "" }))));
  const rows = curves.map((curve) => {
    const finite = curve.values.filter(Number.isFinite);
    const last = curve.values.findLastIndex(Number.isFinite);
    const low = finite.reduce((least, value) => Math.min(least, value), Infinity);
    const high = finite.reduce((most, value) => Math.max(most, value), -Infinity);
    const cells = [finite.length, number(curve.values[last]), place(x, curve.xs[last]), number(low), number(high)];
    return made("tr", {}, made("th", { textContent: curve.label, scope: "row" }), ...cells.map((text) => made("td", { textContent: text, className: "text-end number" })));
  });
  const caption = made("caption", { textContent: metric, className: "visually-hidden" });
  return made("table", { className: "table table-sm mb-0" }, caption, made("thead", {}, head), made("tbody", {}, ...rows));
}
