// The best value so far, over the runs as they were made or as they ended.

import { PointChart } from "./points.js";
import { durationTick, number } from "../words.js";
import { scaleOf, timeTicks } from "./scale.js";
import { mark, node } from "../svg.js";

const ENDED = ["completed", "failed", "pruned", "canceled"];

export class BestSoFar extends PointChart {
  constructor(card, runUrl) {
    super(card, runUrl);
    this.by = card.querySelector("[data-best-by]");
    this.by.addEventListener("change", () => this.redraw());
  }

  update(sweep) {
    this.sweep = sweep;
    this.redraw();
  }

  // Runs in the order of the x axis. One that has not ended has no place in time, one without a value none in height.
  ordered() {
    if (this.by.value === "number") return this.sweep.begun;
    return this.sweep.runs.filter((run) => run.ended !== null && ENDED.includes(run.state)).sort((a, b) => a.ended - b.ended);
  }

  axis(runs) {
    if (this.by.value === "number") {
      const scale = scaleOf({ low: runs[0].number, high: Math.max(runs.at(-1).number, runs[0].number + 1) });
      const ticks = scale.ticks(this.width < 500 ? 5 : 12).filter(({ text }) => Number.isInteger(Number(text)));
      return { name: "Run number", ticks, part: (run) => scale.at(run.number) };
    }
    const begin = Math.min(...runs.map((run) => run.started ?? run.ended));
    const span = Math.max(runs.at(-1).ended - begin, 1);
    const ticks = timeTicks(span, this.width < 500 ? 4 : 9).map((at) => ({ part: at / span, text: durationTick(at) }));
    return { name: "Time since the first of these runs began", ticks, part: (run) => (run.ended - begin) / span };
  }

  draw() {
    if (!this.sweep) return;
    const runs = this.ordered();
    if (!this.sweep.objectiveAxis || !runs.length) return this.nothing(this.sweep.valued.length ? "No run has ended yet." : this.sweep.nothing());
    const height = this.width < 500 ? 260 : 320;
    const { target, metric } = this.sweep.objective;
    const x = this.axis(runs);
    const axes = this.axes(height, this.withTarget(), x);
    const { left, right, bottom } = this.area;
    const at = (run) => this.xAt(x.part(run));
    const valued = runs.filter((run) => run.objective !== null);
    const steps = this.sweep.steps(runs);
    const rug = runs.filter((run) => run.objective === null).map((run) => ({ run, x: at(run), y: bottom - 6 }));
    const line = steps.map((run, index) => `${index ? `H${at(run)}V` : `M${at(run)} `}${this.yAt(run.objective)}`).join("");
    const content = [
      axes,
      target !== null && this.showsTarget ? node("path", { class: "plot-target", d: `M${left} ${this.yAt(target)}H${right}` }) : "",
      target !== null && this.showsTarget ? node("text", { class: "plot-name", x: right - 4, y: this.yAt(target) - 6, "text-anchor": "end" }, `target ${number(target)}`) : "",
      ...this.dots([...valued.map((run) => ({ run, x: at(run), y: this.yAt(run.objective) })), ...rug]),
      line ? node("path", { class: "plot-best", d: `${line}H${at(runs.at(-1))}` }) : "",
    ];
    const best = steps.at(-1);
    if (best) content.push(node("path", { class: "plot-winner", d: mark("completed", at(best), this.yAt(best.objective), 6) }));
    this.paper(height, ...content);
    this.explain(new Set(runs.map((run) => run.state)));
    const words = best ? `Best ${metric} so far: ${number(best.objective)} by run ${best.number}, after ${steps.length - 1} improvements over the first of ${valued.length} runs with a value.` : `No run has completed; ${valued.length} have a value.`;
    const notes = [this.sweep.note(), rug.length ? "Runs without a value stand at the bottom." : ""];
    this.say(notes.filter(Boolean).join(" "), words);
  }

  // A target far away would flatten the curve.
  withTarget() {
    const axis = this.sweep.objectiveAxis;
    const { target } = this.sweep.objective;
    const span = axis.high - axis.low;
    this.showsTarget = target !== null && (!axis.log || target > 0) && target > axis.low - span && target < axis.high + span;
    return this.showsTarget ? { ...axis, low: Math.min(axis.low, target), high: Math.max(axis.high, target) } : axis;
  }

  rows() {
    const runs = this.ordered();
    const steps = new Set(this.sweep.steps(runs));
    let best = null;
    const rows = runs.map((run) => {
      if (steps.has(run)) best = run;
      return [run.number, run.state, run.ended === null ? null : new Date(run.ended * 1000).toISOString(), run.objective, best?.objective ?? null];
    });
    return [["run", "state", "ended", this.sweep.objective.metric, "best_so_far"], ...rows];
  }
}
