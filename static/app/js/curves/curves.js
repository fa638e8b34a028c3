// The live learning curves: fetch all series at the chart's width, append what the socket brings, fetch again after a gap.

import { offerDownloads } from "../export.js";
import { SeriesStore } from "../series.js";
import { number } from "../words.js";
import { OVER } from "./axes.js";
import { Legend, showScale, valueTable } from "./legend.js";
import { picture } from "./picture.js";
import { Plot } from "./plot.js";
import { differing, prepared } from "./prepare.js";
import { Readout } from "./readout.js";
import { Settings } from "./settings.js";

const REDRAW_MS = 200;
const REFETCH_MS = 1500;
const TROUBLE_MS = 5000;
const SETTLE_MS = 150;
// When a run got so many, all are fetched again: the server thins them out and keeps the extremes.
const MAX_ADDED = 1000;
// As wide as a sheet of paper, so that its words are as large as the others.
const PRINTED = { width: 720, height: 300 };
const NO_POINTS = "The curve appears with the first report.";

class LearningCurves {
  constructor(card) {
    this.card = card;
    const part = (name) => card.querySelector(`[data-chart-${name}]`);
    this.parts = Object.fromEntries(["metric", "empty", "note", "plot", "scale", "reset", "values", "picture"].map((name) => [name, part(name)]));
    this.settings = new Settings(part("settings"), card.dataset.keep);
    this.readout = new Readout(part("tip"));
    this.plot = new Plot(this.parts.plot, {
      zoomed: (zoom) => this.zoomed(zoom),
      hovered: (cursor) => this.hovered(cursor),
    });
    this.legend = new Legend(part("legend"), {
      toggle: (name, hide) => { this.hidden[hide ? "add" : "delete"](name); this.drawNow(); },
      focus: (name) => this.plot.focus(name),
    });
    this.metric = "";
    this.series = new SeriesStore();
    this.hidden = new Set();
    this.curves = [];
    this.only = [];
    this.request = null;
    this.isStale = false;
    this.drawnAt = 0;
    this.x = this.settings.x;
    this.listen(card);
    this.show(card.dataset.metric);
    this.fetch();
  }

  listen(card) {
    this.parts.metric.addEventListener("change", () => {
      this.show(this.parts.metric.value);
      this.plot.show(null);
    });
    this.settings.addEventListener("change", () => {
      const other = this.x !== this.settings.x;
      this.x = this.settings.x;
      if (other) this.plot.show(null);
      else this.drawNow();
    });
    this.parts.reset.addEventListener("click", () => this.plot.show(null));
    this.parts.values.addEventListener("toggle", () => this.tabulate());
    offerDownloads(card.querySelector("[data-downloads]"), {
      name: () => `${card.dataset.name}-${this.metric}`.replaceAll(/[^\w.-]+/g, "-"),
      heading: () => `${card.dataset.heading}: ${this.metric}`,
      picture: () => this.picture(),
      rows: () => this.rows(),
    });
    document.addEventListener("live:points", (event) => this.append(event.detail));
    document.addEventListener("live:refetch", () => this.fetchSoon());
    for (const event of ["theme:changed", "visibilitychange"]) document.addEventListener(event, () => this.redraw());
    addEventListener("beforeprint", () => this.print());
    addEventListener("afterprint", () => this.plot.fit());
    // Points of several experiments are not pushed.
    const every = Number(card.dataset.chartEvery) * 1000;
    if (every) setInterval(() => { if (!document.hidden) this.fetchSoon(); }, every);
    document.addEventListener("select:changed", (event) => {
      this.only = event.detail;
      clearTimeout(this.settling);
      this.settling = setTimeout(() => this.fetchAnew(), SETTLE_MS);
    });
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

  address() {
    const url = new URL(this.card.dataset.seriesUrl, location.href);
    const asked = { width: this.plot.size().width, x: this.settings.x };
    if (this.metric) asked.metric = this.metric;
    if (this.plot.zoom) [asked.from, asked.to] = this.plot.zoom;
    for (const [key, value] of Object.entries(asked)) url.searchParams.set(key, value);
    for (const number of this.only) url.searchParams.append("run", number);
    return url;
  }

  // Something else is to be shown: nobody waits for the answer that is on its way.
  fetchAnew() {
    this.request?.abort();
    this.request = null;
    this.fetch();
  }

  // One at a time: what happens meanwhile asks again afterwards, if the answer does not show it.
  async fetch() {
    if (this.request) {
      this.isStale = true;
      return;
    }
    this.isStale = false;
    const request = this.request = new AbortController();
    const url = this.address();
    const isPart = ["from", "run"].some((key) => url.searchParams.has(key));
    this.series.begin();
    const body = await this.answer(url, request.signal);
    if (request !== this.request) return;
    this.request = null;
    if (body) this.take(body, isPart);
    this.series.end();
    if (this.isStale) this.fetchSoon();
  }

  // None if the portal has none now, which is asked again, or if it is not wanted any more.
  async answer(url, signal) {
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" }, signal });
      if (response.ok) return await response.json();
      if (response.status >= 500) this.fetchSoon(TROUBLE_MS);
    } catch {
      if (!signal.aborted) this.fetchSoon(TROUBLE_MS);
    }
    return null;
  }

  take(body, isPart) {
    this.show(body.metric);
    this.isStale ||= !this.series.answer(body.runs, isPart || body.left_out > 0);
    this.appear(body.runs);
    this.offer(body.metrics);
    this.settings.offer(differing(body.runs));
    this.annotate(body);
    this.redraw();
  }

  // A chart that may stay without points is hidden, and has no width, until it gets some.
  appear(runs) {
    if (!this.card.hidden || !runs.length) return;
    this.card.hidden = false;
    this.isStale = true;
  }

  annotate({ runs_shown: shown, left_out: leftOut, dropped }) {
    const notes = [];
    const chosen = this.only.length;
    if (chosen && leftOut) notes.push(`The newest ${shown} of ${chosen} selected runs.`);
    else if (chosen > shown) notes.push(`${shown} of ${chosen} selected runs have ${this.metric}.`);
    else if (chosen) notes.push(chosen === 1 ? "The selected run." : `The ${chosen} selected runs.`);
    else if (leftOut) notes.push(`The newest ${shown} runs; ${leftOut} older ones are left out. Select runs in the table to see theirs.`);
    if (dropped.length && shown > 1) notes.push(`${dropped.length} of the runs are so old that their points have been deleted.`);
    this.note = notes.join(" ");
  }

  append(parts) {
    const isWhole = this.series.push(parts.filter((part) => part.name === this.metric));
    // What a new run is grouped and coloured by is known to the server. What is missing may be on its way.
    const isKnown = this.known().length === this.series.curves.size;
    if (!this.request && (!isWhole || !isKnown || this.series.added > MAX_ADDED)) this.fetchSoon();
    this.redraw();
  }

  known() {
    return [...this.series.curves.values()].filter((run) => run.params);
  }

  offer(names) {
    const select = this.parts.metric;
    const known = new Set([...select.options].map((option) => option.value));
    for (const name of names) if (!known.has(name)) select.add(new Option(name, name));
    select.value = this.metric;
    select.parentElement.hidden = select.options.length < 2;
  }

  // Nobody looks at a hidden page: what has come is drawn when somebody does.
  redraw() {
    if (document.hidden) return;
    this.timer ??= setTimeout(() => {
      this.timer = null;
      this.drawnAt = performance.now();
      this.drawNow();
    }, Math.max(0, this.drawnAt + REDRAW_MS - performance.now()));
  }

  drawNow() {
    const runs = this.known();
    const { curves, colors } = prepared(runs, this.settings, this.hidden);
    this.curves = curves;
    const reported = runs.some((run) => run.steps.length);
    this.parts.empty.hidden = this.curves.length > 0;
    this.parts.empty.textContent = reported ? `${this.metric} has no finite value.` : NO_POINTS;
    if (this.curves.length) this.plot.draw(this.curves, this.settings);
    else this.plot.clear();
    this.legend.show(this.curves);
    showScale(this.parts.scale, colors);
    const lost = this.curves.length && this.plot.lost ? `A log axis has no place for ${this.plot.lost} points at or below 0.` : "";
    this.parts.note.textContent = [this.note, lost].filter(Boolean).join(" ");
    this.parts.note.hidden = !this.parts.note.textContent;
    this.describe();
    this.tabulate();
  }

  describe() {
    const last = this.curves.slice(0, 8).map(({ label, values }) => `${label.replace("#", "run ")} ${number(values.findLast(Number.isFinite))}`);
    this.parts.plot.setAttribute("aria-label", last.length ? `${this.metric} over ${OVER[this.settings.x]}, last values: ${last.join(", ")}` : "No points yet");
  }

  tabulate() {
    const { values } = this.parts;
    values.hidden = !this.curves.length;
    this.card.querySelector("[data-downloads]").hidden = !this.curves.length;
    if (values.open) values.lastElementChild.replaceChildren(valueTable(this.curves, this.settings, this.metric));
  }

  // What is zoomed into is fetched again: the server has more of it than the whole curve showed.
  zoomed(zoom) {
    this.parts.reset.hidden = !zoom;
    this.readout.hide();
    this.fetchAnew();
  }

  hovered(cursor) {
    if (!cursor) return this.readout.hide();
    const { min, max } = this.plot.uplot.scales.x;
    this.readout.show(this.curves, cursor, { x: this.settings.x, metric: this.metric, seen: max - min });
  }

  shown() {
    return this.curves.filter((curve) => !curve.hidden);
  }

  // In the page, where it has styles.
  picture() {
    const drawn = picture(this.plot, this.shown(), this.settings);
    this.parts.picture.replaceChildren(drawn);
    return drawn;
  }

  // Sizes and colours of paper; uPlot takes them in a microtask.
  print() {
    if (!this.curves.length) return;
    this.drawNow();
    this.plot.fit(PRINTED);
    queueMicrotask(() => this.picture());
  }

  // A row per drawn point.
  rows() {
    const rows = this.shown().flatMap(({ label, xs, values, deviations }) => (
      xs.map((x, index) => [label, x, values[index], deviations?.[index]])));
    return [["curve", this.settings.x, this.metric, "deviation"], ...rows];
  }
}

for (const card of document.querySelectorAll("[data-chart]")) new LearningCurves(card);
