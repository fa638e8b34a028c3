// Elements of SVG, and the marks of states: each has a shape of its own, so that colour is never the only sign.

const SVG = "http://www.w3.org/2000/svg";

export function node(name, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

// Text that is cut where there is no room for it; the whole of it stays as the title.
export function label(words, room, attributes) {
  const most = Math.max(Math.floor(room / 6.6), 3);
  if (words.length <= most) return node("text", attributes, words);
  const title = node("title", {}, words);
  return node("text", attributes, `${words.slice(0, most - 1)}…`, title);
}

const circle = (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z`;
const cross = (x, y, r) => `M${x - r} ${y - r}l${2 * r} ${2 * r}m0 ${-2 * r}l${-2 * r} ${2 * r}`;
const triangle = (x, y, r) => `M${x - 1.15 * r} ${y - r * 0.9}h${2.3 * r}l${-1.15 * r} ${r * 2}z`;
const diamond = (x, y, r) => `M${x} ${y - r}l${r} ${r}l${-r} ${r}l${-r} ${-r}z`;

const MARKS = { completed: circle, running: circle, starting: circle, queued: circle, failed: cross, pruned: triangle, canceled: diamond };

const BELOW = ["queued", "canceled", "failed", "pruned", "starting", "running", "completed"];

const round = (value) => Math.round(value * 10) / 10;

export function mark(state, x, y, r = 4.5) {
  return MARKS[state](round(x), round(y), state === "failed" ? r * 0.8 : r);
}

// One path for all marks of a state, completed runs on top: ten thousand points are a handful of elements.
export function marks(points, r) {
  const byState = new Map(BELOW.map((state) => [state, ""]));
  for (const { run, x, y } of points) byState.set(run.state, byState.get(run.state) + mark(run.state, x, y, r));
  return [...byState].filter(([, d]) => d).map(([state, d]) => node("path", { class: `mark mark-${state}`, d }));
}

export function swatch(state) {
  return node("svg", { class: "swatch", viewBox: "0 0 14 14", "aria-hidden": "true" }, node("path", { class: `mark mark-${state}`, d: mark(state, 7, 7) }));
}
