// How much each parameter matters, as the server's evaluator finds; a bar shows its parameter against the objective.

import { Frame } from "./frame.js";
import { label, node } from "../svg.js";

const ROW_PX = 34;
const MAX_BARS = 12;
// Fewer sets say little.
const ROUGH_SETS = 30;

const percent = (share) => `${share >= 0.995 || share < 0.0005 ? Math.round(share * 100) : (share * 100).toFixed(share < 0.1 ? 1 : 0)} %`;

export class Importance extends Frame {
  constructor(card, choose) {
    super(card);
    this.choose = choose;
    this.svg.addEventListener("click", (event) => this.pick(event));
    this.svg.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.pick(event);
    });
  }

  pick(event) {
    const name = event.target.closest("[data-key]")?.dataset.key;
    if (name) this.choose(name);
  }

  update(found) {
    this.found = found;
    this.redraw();
  }

  unknown(reason) {
    if (!this.found) this.nothing(reason);
    else this.say(`${reason} The bars are older.`, this.words.textContent);
  }

  draw() {
    if (!this.found) return;
    const { importances, evaluator, sets, left_out: leftOut, reason } = this.found;
    if (reason) {
      this.nothing(reason);
      return this.say("", reason);
    }
    const shown = importances.slice(0, MAX_BARS);
    const names = Math.min(Math.max(...shown.map(({ name }) => name.length)) * 7 + 12, this.width * 0.4);
    const most = shown[0].share;
    const room = this.width - names - 56;
    const bars = shown.map(({ name, share }, index) => {
      const y = index * ROW_PX + 4;
      return node("g", { class: "plot-bar", tabindex: "0", role: "button", "data-key": name, "aria-label": `${name}: ${percent(share)}. Show it against the objective` },
        node("rect", { class: "plot-hit", x: 0, y: y - 2, width: this.width, height: ROW_PX }),
        label(name, names - 12, { x: names - 10, y: y + 13, "text-anchor": "end", "dominant-baseline": "middle" }),
        node("rect", { class: "plot-share", x: names, y: y + 2, width: Math.max((share / most) * room, 2), height: ROW_PX - 12, rx: 3 }),
        node("text", { class: "plot-value", x: names + Math.max((share / most) * room, 2) + 8, y: y + 13, "dominant-baseline": "middle" }, percent(share)));
    });
    this.paper(shown.length * ROW_PX + 6, ...bars);
    const rest = importances.length - shown.length;
    const from = leftOut ? `the newest ${sets} of ${sets + leftOut}` : `${sets}`;
    this.say(`${evaluator} over ${from} completed sets; shares add up to 100 %.${sets < ROUGH_SETS ? " With so few this is rough." : ""}${rest ? ` ${rest} smaller ones are in the table.` : ""}`,
      `Importance by ${evaluator}: ${shown.map(({ name, share }) => `${name} ${percent(share)}`).join(", ")}.`);
  }

  rows() {
    return [["parameter", "importance"], ...this.found.importances.map(({ name, share }) => [name, share])];
  }
}
