// Whatever the order of questions, answers, pushes, losses and resumed attempts: in the end a chart holds what the server
// holds, each point once.

import assert from "node:assert/strict";
import { test } from "node:test";

import { SeriesStore } from "../../static/app/js/series.js";

const HISTORIES = 3000;
const EVENTS = 60;
const RUNS = ["a", "b", "c"];

// Mulberry32: a small generator with a seed, so that a failure can be played again.
function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

class Server {
  constructor(next) {
    this.next = next;
    this.time = 0;
    this.runs = new Map();
  }

  // Steps rise mostly; some come twice, some late.
  report(id) {
    const run = this.runs.get(id) ?? { number: RUNS.indexOf(id) + 1, attempt: 1, points: [] };
    this.runs.set(id, run);
    const added = [];
    for (let left = 1 + Math.floor(this.next() * 3); left > 0; left -= 1) {
      this.time += 1;
      const step = Math.max(0, run.points.length + 1 - Math.floor(this.next() * 3));
      added.push({ step, value: this.next() < 0.1 ? null : this.next(), time: this.time });
    }
    added.sort((one, other) => one.step - other.step);
    run.points.push(...added);
    return {
      run: id, number: run.number, name: "loss", attempt: run.attempt, count: run.points.length,
      steps: added.map((point) => point.step), values: added.map((point) => point.value), times: added.map((point) => point.time),
    };
  }

  resume(id) {
    const run = this.runs.get(id);
    if (!run) return;
    const checkpoint = Math.floor(this.next() * run.points.length);
    run.attempt += 1;
    run.points = run.points.filter((point) => point.step <= checkpoint);
  }

  counts() {
    return new Map([...this.runs].map(([id, run]) => [id, { attempt: run.attempt, count: run.points.length }]));
  }

  // The points may be newer than the counts.
  answer(counts) {
    return [...this.runs].filter(([id, run]) => counts.has(id) && run.points.length).map(([id, run]) => {
      const points = run.points.map((point) => point).sort((one, other) => one.step - other.step);
      return {
        id, number: run.number, ...counts.get(id),
        steps: points.map((point) => point.step), values: points.map((point) => point.value), times: points.map((point) => point.time),
      };
    });
  }
}

class Page {
  constructor(server) {
    this.server = server;
    this.store = new SeriesStore();
    this.counts = null;
    this.body = null;
    this.isStale = true;
  }

  ask() {
    this.isStale = false;
    this.store.begin();
    this.counts = this.server.counts();
  }

  read() {
    if (this.counts && !this.body) this.body = this.server.answer(this.counts);
  }

  take() {
    if (!this.body) return;
    this.isStale ||= !this.store.answer(this.body);
    this.fail();
  }

  fail() {
    this.counts = this.body = null;
    this.store.end();
  }

  hear(part) {
    if (!this.store.push([part]) && !this.counts) this.isStale = true;
  }
}

function play(seed) {
  const next = random(seed);
  const server = new Server(next);
  const page = new Page(server);
  const wire = [];
  let isLost = false;
  const deliver = () => {
    const part = wire.shift();
    if (!part) return;
    if (part === "refetch") page.isStale = true;
    else page.hear(structuredClone(part));
  };
  for (let event = 0; event < EVENTS; event += 1) {
    const id = RUNS[Math.floor(next() * RUNS.length)];
    const kind = next();
    if (kind < 0.35) wire.push(server.report(id));
    else if (kind < 0.65) deliver();
    else if (kind < 0.72) { if (page.isStale && !page.counts) page.ask(); }
    else if (kind < 0.79) page.read();
    else if (kind < 0.86) page.take();
    // The server counts messages, so that a page hears of what it missed, some time.
    else if (kind < 0.90) isLost = wire.splice(Math.floor(next() * wire.length), 1).length > 0 || isLost;
    else if (kind < 0.93) { if (isLost) wire.push("refetch"); isLost = false; }
    else if (kind < 0.95 && wire.length) wire.push(wire[Math.floor(next() * wire.length)]);
    else if (kind < 0.97) { server.resume(id); wire.push("refetch"); }
    // The socket is lost with all that is under way; the next one asks for everything.
    else if (kind < 0.985) { wire.length = 0; page.isStale = true; }
    else { if (page.counts) page.isStale = true; page.fail(); }
  }
  if (isLost) wire.push("refetch");
  while (wire.length) deliver();
  if (page.counts) { page.read(); page.take(); }
  for (let round = 0; page.isStale; round += 1) {
    assert.ok(round < 3, `seed ${seed}: it asks for ever`);
    page.ask();
    page.read();
    page.take();
  }
  const held = [...page.store.curves.values()].map(({ id, steps, values, times }) => ({ id, steps, values, times }));
  const there = server.answer(server.counts()).map(({ id, steps, values, times }) => ({ id, steps, values, times }));
  const byId = (one, other) => one.id.localeCompare(other.id);
  assert.deepEqual(held.sort(byId), there.sort(byId), `seed ${seed}`);
}

test("any history ends with what the server holds", () => {
  for (let seed = 1; seed <= HISTORIES; seed += 1) play(seed);
});

const part = (run, first, last, attempt = 1) => {
  const steps = Array.from({ length: last - first + 1 }, (_, index) => first + index);
  return { run, number: 1, name: "loss", attempt, count: last, steps, values: steps.map(() => 0.5), times: [...steps] };
};
const answer = (run, last, count = last) => ({ ...part(run, 1, last), id: run, count });
const steps = (store, id) => store.curves.get(id)?.steps;

test("an answer does not overwrite what came while it was on its way", () => {
  const store = new SeriesStore();
  store.begin();
  assert.ok(store.push([part("a", 1, 2)]));
  assert.ok(store.push([part("a", 3, 4)]));
  assert.ok(store.answer([answer("a", 2)]));
  assert.deepEqual(steps(store, "a"), [1, 2, 3, 4]);
});

test("points that the answer has and its count lacks are there once", () => {
  const store = new SeriesStore();
  store.begin();
  store.answer([answer("a", 4, 2)]);
  store.end();
  assert.ok(store.push([part("a", 3, 4)]));
  assert.deepEqual(steps(store, "a"), [1, 2, 3, 4]);
});

test("a gap and a new attempt ask for an answer", () => {
  const store = new SeriesStore();
  assert.ok(store.push([part("a", 1, 2)]));
  assert.equal(store.push([part("a", 4, 5)]), false);
  store.begin();
  assert.ok(store.answer([answer("a", 5)]));
  store.end();
  assert.equal(store.push([part("a", 6, 6, 2)]), false);
});

test("runs that the answer leaves out are asked for once", () => {
  const store = new SeriesStore();
  store.begin();
  store.answer([answer("a", 2)], true);
  store.end();
  assert.equal(store.push([part("old", 1, 2)]), false);
  store.begin();
  assert.ok(store.answer([answer("a", 2)], true));
  store.end();
  assert.ok(store.push([part("old", 3, 4)]));
  assert.equal(steps(store, "old"), undefined);
});
