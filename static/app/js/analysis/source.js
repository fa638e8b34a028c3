// What a page fetches again when there is news: at most every so many milliseconds, and less often what takes long. The last
// news is never passed over, and a portal that is away or busy is asked again.

// Of the time between two fetches, at most so much is spent on them.
const SHARE = 10;

export class Source {
  constructor(url, every, show, failed) {
    Object.assign(this, { url, every, show, failed, wait: 0, wanted: false });
  }

  async want() {
    this.wanted = true;
    if (this.busy) return;
    this.busy = true;
    while (this.wanted) {
      this.wanted = false;
      await this.fetch();
      await new Promise((resolve) => { setTimeout(resolve, Math.max(this.every, this.wait)); });
    }
    this.busy = false;
  }

  async fetch() {
    const begin = performance.now();
    const answer = await this.answer();
    this.wait = (performance.now() - begin) * SHARE;
    if (answer.body) return this.show(answer.body);
    this.failed(answer.status);
    if (!answer.status || answer.status >= 500) this.wanted = true;
  }

  async answer() {
    try {
      const response = await fetch(this.url, { headers: { Accept: "application/json" } });
      return { status: response.status, body: response.ok ? await response.json() : null };
    } catch {
      return { status: 0, body: null };
    }
  }
}
