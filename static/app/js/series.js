// What a chart holds of one metric: the server's last answer, and what the socket brought since that was asked for.
//
// A part of the socket has the number of the attempt, and the count of points that the run had of the metric after it.
// So a part that came twice, or is in the answer already, changes nothing; a part that does not follow on what is held
// shows that something is missing. `answer` and `push` are false then: ask again. See docs/invariants/live.md.

export class SeriesStore {
  constructor() {
    this.clear();
  }

  clear() {
    this.curves = new Map();
    // The answer has not all runs: those that it leaves out are not to be asked for again and again.
    this.isPartial = false;
    this.leftOut = new Set();
    this.missed = new Set();
    this.end();
  }

  // Call when the question leaves: whatever the answer does not show comes later than this.
  begin() {
    this.asked = new Set(this.missed);
    this.recent = [];
  }

  answer(runs, isPartial = false) {
    const recent = this.recent ?? [];
    this.curves = new Map(runs.map((run) => [run.id, { ...run, added: 0 }]));
    this.isPartial = isPartial;
    this.leftOut = new Set([...this.asked, ...this.leftOut].filter((id) => !this.curves.has(id)));
    this.missed = new Set();
    return this.applyAll(recent);
  }

  // Call when no answer is waited for any more.
  end() {
    this.asked = new Set();
    this.recent = null;
  }

  push(parts) {
    this.recent?.push(...parts);
    return this.applyAll(parts);
  }

  // So many points of one curve have come since the answer.
  get added() {
    return Math.max(0, ...[...this.curves.values()].map((curve) => curve.added));
  }

  applyAll(parts) {
    for (const part of parts) if (!this.apply(part)) this.missed.add(part.run);
    return this.missed.size === 0;
  }

  apply({ run: id, number, attempt, count, steps, values, times }) {
    const before = count - steps.length;
    if (!this.curves.has(id)) {
      if (this.isPartial) return this.leftOut.has(id);
      if (before > 0) return false;
      this.curves.set(id, { id, number, attempt, count: 0, steps: [], values: [], times: [], added: 0 });
    }
    const curve = this.curves.get(id);
    if (attempt < curve.attempt || (attempt === curve.attempt && count <= curve.count)) return true;
    // A new attempt forgets what the one before reported after its checkpoint: only the server knows what is left.
    if (attempt > curve.attempt || before > curve.count) return false;
    steps.forEach((step, index) => insert(curve, step, values[index], times[index]));
    curve.count = count;
    curve.added += steps.length;
    return true;
  }
}

// In the server's order: by step, those of one step as they came.
function insert(curve, step, value, time) {
  let at = curve.steps.length;
  while (at > 0 && curve.steps[at - 1] > step) at -= 1;
  // The answer reads counts before points, so that it may have points that its count lacks.
  for (let same = at - 1; same >= 0 && curve.steps[same] === step; same -= 1) if (curve.times[same] === time) return;
  curve.steps.splice(at, 0, step);
  curve.values.splice(at, 0, value);
  curve.times.splice(at, 0, time);
}
