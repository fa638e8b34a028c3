// The live learning curve: fetches all series once, appends what the socket brings, fetches again after a gap.

import { Plot, dot, short } from "./plot.js";
import { SeriesStore } from "./series.js";

const REDRAW_MS = 200;
const REFETCH_MS = 1500;
const TROUBLE_MS = 5000;
// When a run got so many, all are fetched again: the server thins them out and keeps the extremes.
const MAX_ADDED = 1000;
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
    this.metric = "";
    this.series = new SeriesStore();
    this.hidden = new Set();
    this.request = null;
    this.isStale = false;
    this.drawnAt = 0;
    this.select.addEventListener("change", () => {
      this.request?.abort();
      this.request = null;
      this.show(this.select.value);
      this.fetch();
    });
    document.addEventListener("live:points", (event) => this.append(event.detail));
    document.addEventListener("live:refetch", () => this.fetchSoon());
    document.addEventListener("theme:changed", () => this.redraw());
    this.show(card.dataset.metric);
    this.fetch();
  }

  show(metric) {
    if (metric === this.metric) return;
    this.metric = metric;
    this.series.clear();
    this.card.dataset.liveMetric = metric;
    document.dispatchEvent(new CustomEvent("live:watch"));
  }

  fetchSoon(delay = REFETCH_MS * Math.random()) {
    this.refetchTimer ??= setTimeout(() => {
      this.refetchTimer = null;
      this.fetch();
    }, delay);
  }

  // One at a time: what happens meanwhile asks again afterwards, if the answer does not show it.
  async fetch() {
    if (this.request) {
      this.isStale = true;
      return;
    }
    this.isStale = false;
    const request = this.request = new AbortController();
    const url = new URL(this.card.dataset.seriesUrl, location.href);
    if (this.metric) url.searchParams.set("metric", this.metric);
    this.series.begin();
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" }, signal: request.signal });
      if (response.status >= 500) this.fetchSoon(TROUBLE_MS);
      if (response.ok) this.take(await response.json());
    } catch {
      // The portal is away: live.js asks for everything again when the socket is back.
    } finally {
      if (request === this.request) {
        this.request = null;
        this.series.end();
        if (this.isStale) this.fetchSoon();
      }
    }
  }

  take(body) {
    this.show(body.metric);
    this.isStale ||= !this.series.answer(body.runs, body.left_out > 0);
    this.offer(body.metrics);
    this.annotate(body);
    this.redraw();
  }

  annotate({ runs_shown: shown, left_out: leftOut, dropped }) {
    const notes = [];
    if (leftOut) notes.push(`The newest ${shown} runs; ${leftOut} older ones are left out. Each run's own page has its curve.`);
    if (dropped.length && shown > 1) notes.push(`${dropped.length} of the runs are so old that their points have been deleted.`);
    this.note.hidden = !notes.length;
    this.note.textContent = notes.join(" ");
  }

  append(parts) {
    const isWhole = this.series.push(parts.filter((part) => part.name === this.metric));
    // What is missing now may be in the answer that is on its way.
    if (!this.request && (!isWhole || this.series.added > MAX_ADDED)) this.fetchSoon();
    this.redraw();
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
      this.drawnAt = performance.now();
      this.drawNow();
    }, Math.max(0, this.drawnAt + REDRAW_MS - performance.now()));
  }

  drawNow() {
    const reported = [...this.series.curves.values()].filter((run) => run.steps.length).map((run) => this.along(run));
    const runs = reported.filter((run) => run.values.some(Number.isFinite)).sort((a, b) => a.number - b.number);
    this.empty.hidden = runs.length > 0;
    this.empty.textContent = reported.length ? `${this.metric} has no finite value.` : NO_POINTS;
    if (!runs.length) this.plot.clear();
    else this.plot.draw(runs, this.hidden, this.metric);
    this.describe(runs);
    this.list(runs);
  }

  // What machines did has times for steps.
  along(run) {
    if (!("chartSeconds" in this.card.dataset)) return run;
    return { ...run, steps: run.times.map((time) => Math.round(time - run.times[0])) };
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
