// The runs of an experiment as the server sends them (one list per column), read run by run.

// A loss that falls over so many powers of ten is looked at on a log scale.
const LOG_FROM = 1000;

export class Sweep {
  constructor(body) {
    this.objective = body.objective;
    this.constant = body.constant;
    this.leftOut = body.left_out;
    this.parametersLeftOut = body.parameters_left_out;
    this.params = body.params;
    this.axes = body.axes;
    const { number, state, started, ended, seconds, objective } = body.runs;
    this.runs = number.map((_, index) => ({
      index, number: number[index], state: state[index], started: started[index], ended: ended[index],
      seconds: seconds[index], objective: objective[index],
    }));
    this.begun = this.runs.filter((run) => run.state !== "queued");
    this.valued = this.runs.filter((run) => run.objective !== null);
    this.maximizes = this.objective.direction === "maximize";
    this.objectiveAxis = this.measured();
    this.best = this.steps(this.runs).at(-1) ?? null;
  }

  better(run, other) {
    return this.maximizes ? run.objective > other.objective : run.objective < other.objective;
  }

  // Those of the runs that were the best when they completed, in this order.
  steps(runs) {
    const steps = [];
    for (const run of runs) {
      const best = steps.at(-1);
      if (run.state === "completed" && run.objective !== null && (!best || this.better(run, best))) steps.push(run);
    }
    return steps;
  }

  code(run, axis) {
    return axis === this.objectiveAxis ? run.objective : this.params[axis.name][run.index];
  }

  measured() {
    if (!this.valued.length) return null;
    let [low, high] = [Infinity, -Infinity];
    for (const { objective } of this.valued) {
      low = Math.min(low, objective);
      high = Math.max(high, objective);
    }
    return { name: this.objective.metric, low, high, log: low > 0 && high / low >= LOG_FROM };
  }

  // Why there may be no value at all.
  nothing() {
    if (!this.objective.metric) return "This experiment has no objective. Name the metric that decides when you clone it.";
    if (!this.runs.length) return "The search proposes its first sets within a few seconds.";
    return `No run has reported ${this.objective.metric} yet, or none of its values is finite.`;
  }

  note() {
    const said = [];
    if (this.leftOut) said.push(`The newest ${this.runs.length.toLocaleString("en")} runs; ${this.leftOut.toLocaleString("en")} older ones are left out.`);
    const without = this.runs.filter((run) => run.objective === null && run.state === "completed").length;
    if (without && this.objective.metric) said.push(`${without} completed ${without === 1 ? "run has" : "runs have"} no finite ${this.objective.metric}.`);
    return said.join(" ");
  }
}
