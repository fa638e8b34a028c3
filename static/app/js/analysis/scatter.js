// One parameter against the objective.

import { PointChart } from "./points.js";
import { number } from "../words.js";
import { padded, scaleOf, spread, valueText } from "./scale.js";
import { mark, node } from "../svg.js";

// Points of one choice lie side by side, at the same place whenever they are drawn.
const SPREAD = 0.5;

export class Scatter extends PointChart {
  constructor(card, runUrl) {
    super(card, runUrl);
    this.choice = card.querySelector("[data-scatter-by]");
    this.choice.addEventListener("change", () => this.redraw());
  }

  update(sweep) {
    this.sweep = sweep;
    const names = sweep.axes.map((axis) => axis.name);
    if (names.join("\n") !== [...this.choice.options].map((option) => option.value).join("\n")) {
      const chosen = this.choice.value;
      this.choice.replaceChildren(...names.map((name) => new Option(name, name)));
      if (names.includes(chosen)) this.choice.value = chosen;
    }
    this.choice.closest("label").hidden = !names.length;
    this.redraw();
  }

  choose(name) {
    this.choice.value = name;
    this.redraw();
  }

  draw() {
    if (!this.sweep) return;
    const axis = this.sweep.axes.find(({ name }) => name === this.choice.value);
    const runs = axis ? this.sweep.valued.filter((run) => this.sweep.code(run, axis) !== null) : [];
    if (!this.sweep.objectiveAxis) return this.nothing(this.sweep.nothing());
    if (!axis) return this.nothing("No parameter varies: all runs have the same values.");
    if (!runs.length) return this.nothing(`No run with ${axis.name} has a value yet.`);
    const height = 320;
    const scale = scaleOf(axis.choices ? axis : padded(axis));
    const ticks = scale.ticks(this.width < 500 ? 4 : 7);
    const axes = this.axes(height, this.sweep.objectiveAxis, { name: axis.log ? `${axis.name} (log scale)` : axis.name, ticks });
    const band = axis.choices ? SPREAD / axis.choices.length : 0;
    const points = runs.map((run) => ({ run, x: this.xAt(scale.at(this.sweep.code(run, axis)) + spread(run) * band), y: this.yAt(run.objective) }));
    const winner = points.find(({ run }) => run === this.sweep.best);
    this.paper(height, axes, ...this.dots(points),
      winner ? node("path", { class: "plot-winner", d: mark("completed", winner.x, winner.y, 6) }) : "");
    this.explain(new Set(runs.map((run) => run.state)));
    const without = this.sweep.valued.length - runs.length;
    const best = winner ? ` The best, run ${winner.run.number}, has ${valueText(axis, this.sweep.code(winner.run, axis))} and reached ${number(winner.run.objective)}.` : "";
    this.say(without ? `${without} ${without === 1 ? "run does" : "runs do"} not have ${axis.name}.` : "",
      `${runs.length} runs by ${axis.name} and ${this.sweep.objective.metric}.${best}`);
  }

  rows() {
    const axis = this.sweep.axes.find(({ name }) => name === this.choice.value);
    const runs = this.sweep.valued.filter((run) => this.sweep.code(run, axis) !== null);
    return [["run", "state", axis.name, this.sweep.objective.metric],
      ...runs.map((run) => [run.number, run.state, axis.choices ? axis.choices[this.sweep.code(run, axis)] : this.sweep.code(run, axis), run.objective])];
  }
}
