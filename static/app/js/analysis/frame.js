// What every chart of the page has: a picture as wide as its card, a read-out, words for those who cannot see it, a table
// of what it shows, and the menu that saves it.

import { made, placeTip } from "../dom.js";
import { offerDownloads } from "../export.js";
import { node, swatch } from "../svg.js";

const TABLE_ROWS = 200;

export class Frame {
  constructor(card) {
    this.card = card;
    this.box = card.querySelector("[data-plot]");
    this.tip = card.querySelector("[data-plot-tip]");
    this.empty = card.querySelector("[data-plot-empty]");
    this.note = card.querySelector("[data-plot-note]");
    this.words = card.querySelector("[data-plot-words]");
    this.legend = card.querySelector("[data-plot-legend]");
    this.table = card.querySelector("[data-plot-table]");
    this.title = card.querySelector(".card-title").textContent;
    this.svg = node("svg", { class: "plot", role: "group", "aria-label": this.title, "aria-describedby": this.words.id });
    this.svg.setAttribute("hidden", "");
    this.box.prepend(this.svg);
    this.width = 0;
    new ResizeObserver(() => {
      if (this.box.clientWidth !== this.width) this.redraw();
    }).observe(this.box);
    document.addEventListener("theme:changed", () => this.redraw());
    this.table.addEventListener("toggle", () => this.list());
    const root = card.closest("#analysis");
    offerDownloads(card.querySelector("[data-downloads]"), {
      name: () => `${root.dataset.slug}-${card.id}`,
      heading: () => `${this.title} · ${root.dataset.name}`,
      picture: () => this.svg,
      rows: () => this.rows(),
    });
  }

  // Several reasons within one frame make one drawing.
  redraw() {
    this.frame ??= requestAnimationFrame(() => {
      this.frame = null;
      this.width = Math.max(this.box.clientWidth, 200);
      const focused = this.svg.contains(document.activeElement) ? document.activeElement.dataset.key : null;
      this.draw();
      if (focused) this.svg.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
      this.list();
    });
  }

  paper(height, ...content) {
    this.empty.hidden = true;
    this.svg.removeAttribute("hidden");
    this.card.querySelector("[data-downloads]").hidden = false;
    this.table.hidden = false;
    this.svg.setAttribute("viewBox", `0 0 ${this.width} ${height}`);
    this.svg.setAttribute("width", this.width);
    this.svg.setAttribute("height", height);
    this.svg.replaceChildren(...content);
  }

  nothing(text) {
    this.tip.hidden = true;
    this.empty.hidden = false;
    this.empty.textContent = text;
    this.svg.setAttribute("hidden", "");
    this.svg.replaceChildren();
    this.card.querySelector("[data-downloads]").hidden = true;
    this.table.hidden = true;
    this.legend.replaceChildren();
    this.words.textContent = text;
  }

  say(note, words) {
    this.note.hidden = !note;
    this.note.textContent = note;
    this.words.textContent = words;
  }

  explain(states) {
    const present = ["completed", "running", "starting", "pruned", "failed", "canceled"].filter((state) => states.has(state));
    this.legend.replaceChildren(...present.map((state) => made("li", {}, swatch(state), state[0].toUpperCase() + state.slice(1))));
  }

  // The read-out beside a place in the picture.
  show(x, y, ...lines) {
    this.tip.replaceChildren(...lines.map((line, index) => made(index ? "span" : "strong", {}, line)));
    placeTip(this.tip, x, y, this.width);
  }

  list() {
    if (!this.table.open || this.table.hidden) return;
    const [head, ...rows] = this.rows();
    const line = (values, tag, properties = {}) => made("tr", {}, ...values.map((value) => made(tag, properties, value ?? "–")));
    const body = this.table.querySelector("table");
    body.tHead.replaceChildren(line(head, "th", { scope: "col" }));
    body.tBodies[0].replaceChildren(...rows.slice(0, TABLE_ROWS).map((row) => line(row, "td")));
    this.table.querySelector("[data-plot-more]").hidden = rows.length <= TABLE_ROWS;
  }
}

export function point(svg, event) {
  const box = svg.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}
