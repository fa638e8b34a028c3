// The live learning curve: fetches all series once, appends what the socket brings, fetches again after a gap.

import { Plot, dot, short } from "./plot.js";

const REDRAW_MS = 250;
const REFETCH_MS = 1500;
// Above this many points a run is fetched again: the server thins it out and keeps the extremes.
const MAX_POINTS = 2000;
const MAX_LEGEND = 40;
const NO_POINTS = "The curve appears with the first report.";

class LearningCurve {
  constructor(card) {
    this.card = card;
    this.select = card.querySelector("[data-chart-metric]");
    this.legend = card.querySelector("[data-chart-legend]");
    this.empty = card.querySelector("[data-chart-empty]");
    this.note = card.querySelector("[data-chart-note]");
    this.image = card.querySelector("[data-chart-plot]");
    this.plot = new Plot(this.image, card.querySelector("[data-chart-tip]"));
    this.metric = card.dataset.metric;
    this.runs = new Map();
    this.hidden = new Set();
    this.fetching = 0;
    this.select.addEventListener("change", () => {
      this.metric = this.select.value;
      this.fetch();
    });
    document.addEventListener("live:points", (event) => this.append(event.detail));
    document.addEventListener("live:refetch", () => this.fetchSoon());
    document.addEventListener("theme:changed", () => this.redraw());
    this.fetch();
  }

  fetchSoon() {
    this.refetchTimer ??= setTimeout(() => {
      this.refetchTimer = null;
      this.fetch();
    }, REFETCH_MS * Math.random());
  }

  async fetch() {
    const ticket = ++this.fetching;
    const url = new URL(this.card.dataset.seriesUrl, location.href);
    if (this.metric) url.searchParams.set("metric", this.metric);
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" } });
      if (!response.ok || ticket !== this.fetching) return;
      const body = await response.json();
      this.metric = body.metric;
      this.runs = new Map(body.runs.map((run) => [run.id, run]));
      this.offer(body.metrics);
      this.annotate(body);
      this.redraw();
    } catch {
      // The portal is away: live.js asks for everything again when the socket is back.
    }
  }

  annotate({ runs_shown: shown, left_out: leftOut, dropped }) {
    const notes = [];
    if (leftOut) notes.push(`The newest ${shown} runs; ${leftOut} older ones are left out. Each run's own page has its curve.`);
    if (dropped.length && shown > 1) notes.push(`${dropped.length} of the runs are so old that their points have been deleted.`);
    this.note.hidden = !notes.length;
    this.note.textContent = notes.join(" ");
  }

  append(batches) {
    for (const { run: id, number, points } of batches) {
      for (const { name, steps, values } of points) {
        if (!this.metric) this.metric = name;
        this.offer([name]);
        if (name === this.metric) this.extend(id, number, steps, values);
      }
    }
    this.redraw();
  }

  extend(id, number, steps, values) {
    if (!this.runs.has(id)) this.runs.set(id, { id, number, steps: [], values: [] });
    const run = this.runs.get(id);
    steps.forEach((step, index) => {
      const last = run.steps.at(-1) ?? -Infinity;
      if (step > last) {
        run.steps.push(step);
        run.values.push(values[index]);
      } else if (step < last) {
        // A resumed run repeats steps: the server knows which ones count.
        this.fetchSoon();
      }
    });
    if (run.steps.length > MAX_POINTS) this.fetchSoon();
  }

  offer(names) {
    const known = new Set([...this.select.options].map((option) => option.value));
    for (const name of names) if (!known.has(name)) this.select.add(new Option(name, name));
    if (this.metric) this.select.value = this.metric;
    this.select.parentElement.hidden = this.select.options.length < 2;
  }

  redraw() {
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.drawNow();
    }, REDRAW_MS);
  }

  drawNow() {
    const reported = [...this.runs.values()].filter((run) => run.steps.length);
    const runs = reported.filter((run) => run.values.some(Number.isFinite)).sort((a, b) => a.number - b.number);
    this.empty.hidden = runs.length > 0;
    this.empty.textContent = reported.length ? `${this.metric} has no finite value.` : NO_POINTS;
    if (!runs.length) this.plot.clear();
    else this.plot.draw(runs, this.hidden, this.metric);
    this.describe(runs);
    this.list(runs);
  }

  describe(runs) {
    const last = runs.slice(0, 8).map((run) => `run ${run.number} ${short(run.values.at(-1))}`).join(", ");
    this.image.setAttribute("aria-label", runs.length ? `${this.metric} over steps, last values: ${last}` : "No points yet");
  }

  list(runs) {
    const key = runs.map((run) => run.id).join();
    if (key === this.listed) return;
    this.listed = key;
    if (runs.length < 2) return this.legend.replaceChildren();
    const items = runs.slice(0, MAX_LEGEND).map((run) => this.item(run));
    if (runs.length > MAX_LEGEND) {
      items.push(Object.assign(document.createElement("li"), { textContent: `and ${runs.length - MAX_LEGEND} more` }));
    }
    this.legend.replaceChildren(...items);
  }

  item(run) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "legend-item";
    button.append(dot(run.number), `#${run.number}`);
    button.setAttribute("aria-pressed", String(!this.hidden.has(run.id)));
    button.setAttribute("aria-label", `Show run ${run.number}`);
    button.addEventListener("click", () => {
      if (!this.hidden.delete(run.id)) this.hidden.add(run.id);
      button.setAttribute("aria-pressed", String(!this.hidden.has(run.id)));
      this.drawNow();
    });
    button.addEventListener("mouseenter", () => this.plot.focus(run.id));
    button.addEventListener("mouseleave", () => this.plot.focus(null));
    const line = document.createElement("li");
    line.append(button);
    return line;
  }
}

for (const card of document.querySelectorAll("[data-chart]")) new LearningCurve(card);
