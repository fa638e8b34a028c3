// When runs waited, started and trained: a row per run, or per allocation. States have a colour and a pattern.

import { Frame, point } from "./frame.js";
import { made } from "../dom.js";
import { clock, duration, durationTick } from "../words.js";
import { timeTicks } from "./scale.js";
import { node } from "../svg.js";

const ROW_PX = { run: 20, lane: 30 };
const HEAD_PX = 26;
const MAX_ROWS = 50;
const TICK_MS = 2000;
// How an attempt ended -> what its bar looks like. What is put back into the queue looks interrupted, whatever the reason.
const LOOKS = ["queued", "starting", "running", "completed", "failed", "pruned", "canceled"];
const look = (state) => (LOOKS.includes(state) ? state : "interrupted");

// Besides its colour: what lies over the bar.
const PATTERNS = {
  starting: "M-1 1l2 -2M0 6l6 -6M5 7l2 -2",
  failed: "M0 0l6 6M0 6l6 -6",
  pruned: "M1.5 0v6M4.5 0v6",
  canceled: "M-1 5l2 2M0 0l6 6M5 -1l2 2",
  interrupted: "M0 1.5h6M0 4.5h6",
};

export class TimelineChart extends Frame {
  constructor(card, runUrl) {
    super(card);
    this.runUrl = runUrl;
    this.by = card.querySelector("[data-timeline-by]");
    this.span = card.querySelector("[data-timeline-span]");
    this.by.addEventListener("change", () => this.redraw());
    this.span.addEventListener("change", () => this.redraw());
    for (const kind of ["pointermove", "pointerdown"]) {
      this.svg.addEventListener(kind, (event) => {
        this.pointer = point(this.svg, event);
        this.hover();
      });
    }
    this.svg.addEventListener("pointerleave", (event) => {
      if (event.pointerType === "touch") return;
      this.pointer = null;
      this.hover();
    });
    this.svg.addEventListener("click", (event) => { if (event.pointerType !== "touch") this.open(...point(this.svg, event)); });
    this.svg.addEventListener("focusin", (event) => this.focused(event.target.dataset.key));
    this.svg.addEventListener("keydown", (event) => {
      const bar = event.key === "Enter" && this.bars.find(({ key }) => key === event.target.dataset.key);
      if (bar) location.assign(this.runUrl(bar.run.number));
    });
    setInterval(() => { if (this.isOpen && !document.hidden) this.redraw(); }, TICK_MS);
  }

  update(body) {
    this.body = body;
    const spans = body.runs.flatMap((run) => run.spans.map(([state, start, end, lane, attempt], index) => ({ run, state, start, end, lane, attempt, index })));
    this.all = spans;
    this.isOpen = spans.some(({ end }) => end === null);
    this.redraw();
  }

  draw() {
    if (!this.body) return;
    if (!this.all.length) return this.nothing("No run has been queued yet.");
    const now = Date.now() / 1000;
    const last = this.isOpen ? now : Math.max(...this.all.map(({ end }) => end));
    const rows = this.by.value === "lane" ? this.lanes() : this.runs();
    const first = Math.max(this.beginning(rows.flatMap(({ spans }) => spans)), last - Number(this.span.value || Infinity));
    this.window = { first, last: Math.max(last, first + 1), now };
    const step = ROW_PX[this.by.value];
    const narrow = this.width < 500;
    const left = narrow ? 46 : 64;
    const right = this.width - 14;
    const height = HEAD_PX + rows.length * step + 6;
    this.x = (at) => left + ((Math.min(Math.max(at, first), this.window.last) - first) / (this.window.last - first)) * (right - left);
    const ticks = timeTicks(this.window.last - first, narrow ? 3 : 8);
    this.bars = rows.flatMap(({ spans }, index) => spans.map((span) => this.bar(span, HEAD_PX + index * step, step)).filter(Boolean));
    const patterns = Object.entries(PATTERNS).map(([name, d]) => node("pattern", { id: `timeline-${name}`, width: 6, height: 6, patternUnits: "userSpaceOnUse" }, node("path", { class: "bar-hatch", d })));
    this.paper(height,
      node("defs", {}, ...patterns),
      ...ticks.map((at) => node("path", { class: "plot-grid", d: `M${this.x(first + at)} ${HEAD_PX - 4}V${height - 4}` })),
      ...ticks.map((at) => node("text", { x: this.x(first + at), y: 14, "text-anchor": "middle" }, durationTick(at))),
      ...rows.map(({ name }, index) => node("text", { class: "plot-tick", x: left - 8, y: HEAD_PX + (index + 0.5) * step, "text-anchor": "end", "dominant-baseline": "middle" }, name)),
      ...this.bars.flatMap((bar) => bar.elements));
    this.listStates();
    this.hover();
    const hidden = this.by.value === "run" ? Math.max(this.body.runs.length - MAX_ROWS, 0) + this.body.left_out : this.body.left_out;
    this.say(hidden ? `${this.by.value === "run" ? Math.min(this.body.runs.length, MAX_ROWS) : this.body.runs.length} runs are shown; ${hidden.toLocaleString("en")} others are left out.` : "", this.sentence());
  }

  // Of the work: how long the first of these runs has waited for it would leave no room for the rest.
  beginning(spans) {
    const working = spans.filter(({ state }) => state !== "queued");
    return Math.min(...(working.length ? working : this.all).map(({ start }) => start));
  }

  runs() {
    return this.body.runs.slice(-MAX_ROWS).map((run) => ({ name: `#${run.number}`, spans: this.all.filter((span) => span.run === run) }));
  }

  lanes() {
    return this.body.lanes.map((lane, index) => ({ name: `A${index + 1}`, spans: this.all.filter((span) => span.lane === index) })).filter(({ spans }) => spans.length).slice(-MAX_ROWS);
  }

  bar(span, y, step) {
    const end = span.end ?? this.window.now;
    if (end < this.window.first) return null;
    const [x, until] = [this.x(span.start), this.x(end)];
    const kind = look(span.state);
    const thin = kind === "queued";
    const box = { x, y: y + (thin ? step / 2 - 2 : 3), width: Math.max(until - x, 1.5), height: thin ? 4 : step - 6 };
    const key = `${span.run.number}.${span.index}`;
    const words = `Run ${span.run.number}, ${this.wording(span)}`;
    const elements = [node("rect", { class: `bar bar-${kind}`, ...box, rx: thin ? 0 : 2, ...(thin ? {} : { tabindex: "0", role: "link", "data-key": key, "aria-label": words }) })];
    if (PATTERNS[kind]) elements.push(node("rect", { class: "bar-pattern", fill: `url(#timeline-${kind})`, ...box, rx: 2 }));
    if (span.end === null && kind === "running") elements.push(node("path", { class: "bar-now", d: `M${until} ${box.y}l5 ${box.height / 2}l-5 ${box.height / 2}z` }));
    return { ...span, ...box, key, elements };
  }

  wording({ state, start, end, attempt, lane }) {
    const length = duration((end ?? this.window.now) - start);
    const what = { queued: "waited", starting: "started up", running: "trains" }[state] ?? state;
    const where = lane === null ? "" : ` in A${lane + 1}, attempt ${attempt}`;
    return `${what} ${state === "running" && end === null ? "since" : "for"} ${length}${where}`;
  }

  listStates() {
    const present = new Set(this.all.map(({ state }) => look(state)));
    this.legend.replaceChildren(...[...LOOKS, "interrupted"].filter((name) => present.has(name)).map((name) => {
      const box = { x: 0.5, y: name === "queued" ? 5 : 1, width: 21, height: name === "queued" ? 4 : 12 };
      const pattern = PATTERNS[name] ? node("rect", { class: "bar-pattern", fill: `url(#timeline-${name})`, ...box }) : "";
      const key = node("svg", { class: "bar-key", viewBox: "0 0 22 14", "aria-hidden": "true" }, node("rect", { class: `bar bar-${name}`, ...box }), pattern);
      return made("li", {}, key, name[0].toUpperCase() + name.slice(1));
    }));
  }

  sentence() {
    const { first, last } = this.window;
    const open = this.all.filter(({ state, end }) => state === "running" && end === null).length;
    return `${this.body.runs.length} runs over ${duration(last - first)} from ${clock(first)}, in ${this.body.lanes.length} allocations; ${open} train now.`;
  }

  find(x, y) {
    return this.bars?.find((bar) => x >= bar.x - 2 && x <= bar.x + bar.width + 2 && y >= bar.y - 2 && y <= bar.y + bar.height + 2);
  }

  hover() {
    const bar = this.pointer && this.find(...this.pointer);
    this.svg.classList.toggle("is-near", Boolean(bar));
    if (bar) this.read(bar, ...this.pointer);
    else this.tip.hidden = true;
  }

  focused(key) {
    const bar = this.bars?.find((each) => each.key === key);
    if (bar) this.read(bar, bar.x, bar.y);
  }

  read(bar, x, y) {
    const words = this.wording(bar);
    this.show(x, y, `Run #${bar.run.number}`, words[0].toUpperCase() + words.slice(1), `from ${clock(bar.start)}`, bar.end === null ? "until now" : `to ${clock(bar.end)}`);
  }

  open(x, y) {
    const bar = this.find(x, y);
    if (bar) location.assign(this.runUrl(bar.run.number));
  }

  rows() {
    const iso = (at) => (at === null ? null : new Date(at * 1000).toISOString());
    return [["run", "attempt", "allocation", "state", "start", "end"],
      ...this.all.map(({ run, attempt, lane, state, start, end }) => [run.number, attempt, lane === null ? null : `A${lane + 1}`, state, iso(start), iso(end)])];
  }
}
