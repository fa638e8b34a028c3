// Finds a text in a whole log: the server tells the numbers of the lines, some at a time.

const PAGE = 500;
// More places than anybody goes through one by one.
const MOST = 5000;
const TYPING_MS = 250;

export class LogSearch {
  // `onFound` is called with the number of the line to show, null for none; `onMatcher` with what finds the places to mark
  // in a line's text; `startAt` tells from which line on one reads.
  constructor(form, { onFound, onMatcher, startAt }) {
    this.input = form.querySelector("[data-log-query]");
    this.exact = form.querySelector("[data-log-case]");
    this.count = form.querySelector("[data-log-count]");
    this.steps = form.querySelectorAll("[data-log-step]");
    Object.assign(this, { onFound, onMatcher, startAt });
    this.reset();
    this.input.addEventListener("input", () => {
      clearTimeout(this.typing);
      this.typing = setTimeout(() => this.search(), TYPING_MS);
    });
    this.exact.addEventListener("click", () => {
      this.exact.setAttribute("aria-pressed", String(!this.isExact));
      this.search();
    });
    for (const step of this.steps) step.addEventListener("click", () => this.step(Number(step.dataset.logStep)));
    form.addEventListener("submit", (event) => event.preventDefault());
    this.input.addEventListener("keydown", (event) => this.key(event));
  }

  get isExact() {
    return this.exact.getAttribute("aria-pressed") === "true";
  }

  key(event) {
    if (event.key === "Enter") {
      event.preventDefault();
      this.step(event.shiftKey ? -1 : 1);
    } else if (event.key === "Escape") {
      this.input.value = "";
      this.search();
      this.input.blur();
    }
  }

  // Look in another log for the same text.
  use(source) {
    this.source = source;
    this.from = 1;
    this.search();
  }

  reset() {
    this.found = [];
    this.at = -1;
    this.next = 1;
    this.ticket = (this.ticket ?? 0) + 1;
  }

  async search() {
    clearTimeout(this.typing);
    this.reset();
    const query = this.input.value;
    // While one types, each search begins where the first one did.
    this.from = query ? (this.from ?? this.startAt()) : null;
    this.onMatcher(query ? matcher(query, this.isExact) : null);
    this.onFound(null);
    this.say();
    if (query) await this.go();
  }

  // The log has grown: only its new lines are new.
  async extend() {
    if (!this.input.value || this.next !== null || this.found.length >= MOST) return;
    this.found = this.found.filter((number) => number <= this.seen);
    this.next = this.seen + 1;
    await this.go();
  }

  async go() {
    const { ticket, source } = this;
    while (this.next !== null && this.found.length < MOST) {
      const seen = source.over;
      const query = { search: this.input.value, ignore_case: this.isExact ? 0 : 1, from: this.next, count: PAGE };
      const answer = await source.ask(query);
      if (ticket !== this.ticket) return;
      if (!answer) break;
      this.seen = seen;
      this.found.push(...answer.matches.map((match) => match.number));
      this.next = answer.next;
      if (this.at < 0 && this.found.length) this.begin();
      this.say();
    }
    this.say();
  }

  // With the first place from where one reads on.
  begin() {
    const after = this.found.findIndex((number) => number >= this.from);
    if (after < 0 && this.next !== null && this.found.length < MOST) return;
    this.at = Math.max(0, after);
    this.onFound(this.found[this.at]);
  }

  step(by) {
    if (!this.found.length) return;
    this.at = (this.at + by + this.found.length) % this.found.length;
    this.from = this.found[this.at];
    this.onFound(this.from);
    this.say();
  }

  say() {
    const { length } = this.found;
    for (const step of this.steps) step.disabled = !length;
    const more = this.next !== null && length > 0 ? "+" : "";
    if (!this.input.value) this.count.textContent = "";
    else if (length) this.count.textContent = `${Math.max(this.at, 0) + 1} of ${length.toLocaleString("en")}${more}`;
    else this.count.textContent = this.next === null ? "Not found" : "Searching…";
  }
}

// From a line's text to the places in it: [[start, end], …].
function matcher(query, isExact) {
  const pattern = new RegExp(query.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&"), isExact ? "gu" : "giu");
  return (text) => [...text.matchAll(pattern)].map(({ index, 0: found }) => [index, index + found.length]);
}
