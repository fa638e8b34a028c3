// The runs that the brushes have chosen, as links.

import { made } from "../dom.js";
import { where } from "./query.js";
import { number } from "../words.js";
import { valueText } from "./scale.js";
import { swatch } from "../svg.js";

const MAX_ROWS = 20;
const MAX_PARAMS = 6;

export class Picked {
  constructor(card, runUrl) {
    this.count = card.querySelector("[data-picked-count]");
    this.clear = card.querySelector("[data-parallel-clear]");
    this.box = card.querySelector("[data-picked]");
    this.table = this.box.querySelector("table");
    this.more = card.querySelector("[data-picked-more]");
    this.link = card.querySelector("[data-picked-link]");
    this.runUrl = runUrl;
  }

  show(sweep, runs, brushed) {
    const isBrushed = brushed.length > 0;
    this.clear.hidden = !isBrushed;
    this.link.hidden = !runs.length || !isBrushed;
    this.link.search = new URLSearchParams({ where: where(brushed) });
    this.box.hidden = !isBrushed || !runs.length;
    const total = sweep.begun.length;
    const words = !total ? "" : isBrushed ? `${runs.length} of ${total} runs brushed` : "Drag along an axis to choose runs";
    if (this.count.textContent !== words) this.count.textContent = words;
    if (this.box.hidden) return;
    const order = [...runs].sort((a, b) => this.rank(sweep, a, b));
    const axes = sweep.axes.slice(0, MAX_PARAMS);
    this.table.tHead.replaceChildren(this.row("th", { scope: "col" }, ["Run", "State", sweep.objective.metric || "Objective", ...axes.map((axis) => axis.name)]));
    this.table.tBodies[0].replaceChildren(...order.slice(0, MAX_ROWS).map((run) => this.row("td", {}, [
      this.number(run), this.state(run), number(run.objective), ...axes.map((axis) => valueText(axis, sweep.code(run, axis))),
    ])));
    this.more.hidden = order.length <= MAX_ROWS;
    this.more.textContent = `The best ${MAX_ROWS}; ${order.length - MAX_ROWS} more are in the download.`;
  }

  rank(sweep, a, b) {
    if (a.objective === null || b.objective === null) return (a.objective === null) - (b.objective === null) || a.number - b.number;
    return (sweep.maximizes ? b.objective - a.objective : a.objective - b.objective) || a.number - b.number;
  }

  row(tag, properties, cells) {
    return made("tr", {}, ...cells.map((content) => made(tag, properties, content)));
  }

  number(run) {
    return made("a", { href: this.runUrl(run.number) }, `#${run.number}`);
  }

  state(run) {
    return made("span", { className: "picked-state" }, swatch(run.state), run.state);
  }
}
