// Lines of one log by their number, from 1 on: fetched in blocks when somebody wants to see them, kept for a while.

const BLOCK = 250;
const KEPT_BLOCKS = 80;
const AT_A_TIME = 2;
const REFRESH_MS = 300;
// Somebody who drags the scroll bar passes many blocks: those in passing are not fetched.
const SETTLE_MS = 60;
const RETRY_MS = 2000;

export class LogSource {
  constructor(url, attempt, rank, onChange) {
    this.url = url;
    this.attempt = attempt;
    this.rank = rank;
    this.onChange = onChange;
    this.total = 0;
    this.open = 0;
    this.streams = [];
    this.blocks = new Map();
    this.wanted = [0, -1];
    this.underWay = new Set();
    this.closing = new AbortController();
  }

  // How many lines will never change.
  get over() {
    return this.total - this.open;
  }

  line(number) {
    return this.blocks.get(blockOf(number))?.get(number);
  }

  // The end of the log first: it is what most people come for.
  start() {
    return this.take({ from: -BLOCK, count: BLOCK });
  }

  // What has come since, and how the open lines are now. What happens while the answer is on its way asks again.
  refreshSoon() {
    this.refreshing ??= setTimeout(() => {
      this.refreshing = null;
      this.take({ from: this.over + 1, count: 1000 });
    }, REFRESH_MS);
  }

  close() {
    clearTimeout(this.settling);
    clearTimeout(this.refreshing);
    this.closing.abort();
  }

  want(first, last) {
    this.wanted = [first, last];
    clearTimeout(this.settling);
    if (this.missing()) this.settling = setTimeout(() => this.fetchMissing(), SETTLE_MS);
  }

  // The first line that somebody wants to see, is not here, and nobody has asked for.
  missing() {
    for (let number = this.wanted[0]; number <= this.wanted[1]; number++) {
      if (!this.line(number) && !this.underWay.has(blockOf(number))) return number;
    }
    return null;
  }

  async fetchMissing() {
    const from = this.missing();
    if (!from || this.underWay.size >= AT_A_TIME) return;
    const block = blockOf(from);
    this.underWay.add(block);
    const arrived = await this.take({ from, count: BLOCK - ((from - 1) % BLOCK) });
    this.underWay.delete(block);
    if (this.missing() && !this.closing.signal.aborted) this.settling = setTimeout(() => this.fetchMissing(), arrived ? 0 : RETRY_MS);
  }

  async take(query) {
    const answer = await this.ask(query);
    if (!answer) return false;
    // Answers may overtake each other: of an older one only what never changes counts.
    const over = answer.total - answer.open;
    const isNews = over >= this.over;
    for (const line of answer.lines) if (isNews || line.number <= over) this.keep(line);
    if (isNews) Object.assign(this, { total: answer.total, open: answer.open, streams: answer.streams });
    this.forget();
    this.onChange();
    return true;
  }

  // JSON, or null if the portal is away or the log was closed meanwhile; the socket brings us back here.
  async ask(query) {
    const url = new URL(this.url, location.href);
    const all = { attempt: this.attempt, rank: this.rank, ...query };
    for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value);
    try {
      const response = await fetch(url, { headers: { Accept: "application/json" }, signal: this.closing.signal });
      return response.ok ? await response.json() : null;
    } catch {
      return null;
    }
  }

  keep(line) {
    const block = blockOf(line.number);
    const lines = this.blocks.get(block) ?? new Map();
    // The block that was used last is the last of the map.
    this.blocks.delete(block);
    this.blocks.set(block, lines.set(line.number, line));
  }

  forget() {
    for (const block of this.blocks.keys()) {
      if (this.blocks.size <= KEPT_BLOCKS) return;
      this.blocks.delete(block);
    }
  }
}

function blockOf(number) {
  return Math.floor((number - 1) / BLOCK);
}
