// The page of an experiment's analysis: fetches what the charts show, and again when the socket says that runs changed.

import { BestSoFar } from "./best.js";
import { Importance } from "./importance.js";
import { Parallel } from "./parallel.js";
import { Picked } from "./picked.js";
import { Scatter } from "./scatter.js";
import { Source } from "./source.js";
import { Sweep } from "./sweep.js";
import { TimelineChart } from "./timeline.js";

const FETCH_MS = 2000;
// Importance takes the server seconds of work.
const IMPORTANCE_MS = 15000;

const root = document.getElementById("analysis");
const card = (id) => document.getElementById(id);
const runUrl = (number) => root.dataset.runUrl.replace(/\/0\/$/, `/${number}/`);

const picked = new Picked(card("parallel"), runUrl);
const scatter = new Scatter(card("scatter"), runUrl);
const best = new BestSoFar(card("best-so-far"), runUrl);
const parallel = new Parallel(card("parallel"), (runs, brushed) => picked.show(parallel.sweep, runs, brushed));
const importance = new Importance(card("importance"), (name) => scatter.choose(name));
const timeline = new TimelineChart(card("timeline"), runUrl);

const AWAY = "The portal did not answer; the chart comes when it does.";
let completed = -1;

const importances = new Source(root.dataset.importance, IMPORTANCE_MS, (body) => {
  importance.update(body);
  // That there is none yet is known at once.
  importances.every = body.evaluator ? IMPORTANCE_MS : FETCH_MS;
}, (status) => importance.unknown(status === 503 ? "This takes long at the moment; it is tried again." : AWAY));
const columns = new Source(root.dataset.columns, FETCH_MS, (body) => {
  const sweep = new Sweep(body);
  for (const chart of [best, parallel, scatter]) chart.update(sweep);
  // Nothing else changes what the evaluator sees.
  const count = sweep.runs.filter((run) => run.state === "completed").length;
  if (count !== completed) importances.want();
  completed = count;
}, () => { for (const chart of [best, parallel, scatter]) if (!chart.sweep) chart.nothing(AWAY); });
const times = new Source(root.dataset.timeline, FETCH_MS, (body) => timeline.update(body), () => { if (!timeline.body) timeline.nothing(AWAY); });

function fetchAll() {
  columns.want();
  times.want();
}

root.addEventListener("live", fetchAll);
fetchAll();
