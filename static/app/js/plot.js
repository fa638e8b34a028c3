// Draws the learning curves of many runs with uPlot: colours shared with the table, tooltip, both themes, any width.

const COLORS = 10;
const DASHES = [[], [8, 4], [2, 4]];

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export function runClass(number) {
  return `run-color-${(number - 1) % COLORS + 1} run-turn-${Math.floor((number - 1) / COLORS) % 3}`;
}

export function short(value) {
  if (value === null || value === undefined) return "–";
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-3 || size >= 1e6) ? value.toExponential(2) : String(Number(value.toPrecision(4)));
}

function stroke(number) {
  return css(`--run-color-${(number - 1) % COLORS + 1}`);
}

// All runs on one x axis; a run has no value where another one reported and it did not.
function joined(runs) {
  const steps = [...new Set(runs.flatMap((run) => run.steps))].sort((a, b) => a - b);
  const at = new Map(steps.map((step, index) => [step, index]));
  const columns = runs.map((run) => {
    const column = new Array(steps.length).fill(undefined);
    run.steps.forEach((step, index) => { column[at.get(step)] = run.values[index]; });
    return column;
  });
  return [steps, ...columns];
}

function axis(extra) {
  return {
    stroke: css("--chart-text"),
    grid: { stroke: css("--chart-grid"), width: 1 },
    ticks: { show: false },
    font: "12px InterVariable, system-ui, sans-serif",
    ...extra,
  };
}

export class Plot {
  constructor(box, tip) {
    this.box = box;
    this.tip = tip;
    this.runs = [];
    this.shape = "";
    this.uplot = null;
    new ResizeObserver(() => this.uplot?.setSize(this.size())).observe(box);
  }

  size() {
    const width = Math.max(this.box.clientWidth, 200);
    return { width, height: width < 500 ? 230 : 300 };
  }

  // Only a change of the runs or of the theme needs new series; new points are just data.
  draw(runs, hidden, metric) {
    this.runs = runs;
    this.metric = metric;
    const shape = JSON.stringify([document.documentElement.dataset.bsTheme, metric, runs.map((run) => run.number)]);
    if (shape !== this.shape) {
      this.shape = shape;
      this.uplot?.destroy();
      this.uplot = new uPlot(this.options(), joined(runs), this.box);
    } else {
      this.uplot.setData(joined(runs));
    }
    runs.forEach((run, index) => {
      const show = !hidden.has(run.id);
      if (this.uplot.series[index + 1].show !== show) this.uplot.setSeries(index + 1, { show });
    });
  }

  clear() {
    this.uplot?.destroy();
    this.uplot = null;
    this.shape = "";
  }

  focus(id) {
    const index = this.runs.findIndex((run) => run.id === id);
    this.uplot?.setSeries(index < 0 ? null : index + 1, { focus: true });
  }

  options() {
    return {
      ...this.size(),
      legend: { show: false },
      scales: { x: { time: false, range: (_, low, high) => (low === high ? [low - 1, high + 1] : [low, high]) } },
      focus: { alpha: 0.25 },
      cursor: { focus: { prox: 30 }, points: { size: 8 }, drag: { x: true, y: false } },
      axes: [
        axis({ label: "Step", labelSize: 20, labelFont: "12px InterVariable, system-ui, sans-serif", size: 34, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000] }),
        axis({ size: 58, values: (_, ticks) => ticks.map(short) }),
      ],
      series: [{}, ...this.runs.map((run) => ({
        label: `#${run.number}`,
        stroke: () => stroke(run.number),
        width: 2,
        dash: DASHES[Math.floor((run.number - 1) / COLORS) % 3],
        spanGaps: true,
        points: { size: 5 },
      }))],
      hooks: { setCursor: [() => this.showTip()], setSeries: [() => this.showTip()] },
    };
  }

  showTip() {
    const { left, top, idx } = this.uplot.cursor;
    const near = this.uplot.series.findIndex((series, index) => index > 0 && series.show && series._focus && this.uplot.series.some((other) => other._focus === false));
    const run = near > 0 ? this.runs[near - 1] : this.runs.length === 1 ? this.runs[0] : null;
    const value = run && idx !== null && idx !== undefined ? this.uplot.data[this.runs.indexOf(run) + 1][idx] : undefined;
    this.tip.hidden = value === undefined || value === null || left < 0;
    if (this.tip.hidden) return;
    this.tip.replaceChildren(dot(run.number), `#${run.number} · step ${this.uplot.data[0][idx]} · ${this.metric} ${short(value)}`);
    const plotLeft = this.uplot.over.offsetLeft;
    this.tip.style.left = `${Math.min(plotLeft + left + 14, this.box.clientWidth - this.tip.offsetWidth)}px`;
    this.tip.style.top = `${Math.max(top - 36, 0)}px`;
  }
}

export function dot(number) {
  const mark = document.createElement("span");
  mark.className = `run-dot ${runClass(number)}`;
  mark.setAttribute("aria-hidden", "true");
  return mark;
}
