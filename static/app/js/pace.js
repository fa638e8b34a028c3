// How often a part of a page fetches itself: what takes the portal long is asked for less often.

const LEAST_MS = 500;
const MOST_MS = 5000;
const SHARE = 10;

// How long to leave it alone after a fetch that took so long.
export const pauseAfter = (took) => Math.min(MOST_MS, Math.max(LEAST_MS, SHARE * took));

// When each may fetch next. What asks earlier is done once, as soon as it may.
export class Pace {
  #places = new WeakMap();

  // Until it is over, or for MOST_MS: what is never over must not stop the page.
  begin(part, now) {
    const place = this.#place(part);
    place.began = now;
    place.from = now + MOST_MS;
  }

  end(part, now) {
    const place = this.#place(part);
    if (place.began === null) return;
    place.from = now + pauseAfter(now - place.began);
    place.began = null;
    if (place.wanted) this.#plan(place, now);
  }

  want(part, now, fetch) {
    const place = this.#place(part);
    if (now >= place.from) return fetch();
    place.wanted = fetch;
    this.#plan(place, now);
  }

  #plan(place, now) {
    clearTimeout(place.timer);
    place.timer = setTimeout(() => {
      const fetch = place.wanted;
      place.wanted = null;
      fetch();
    }, place.from - now);
  }

  #place(part) {
    if (!this.#places.has(part)) this.#places.set(part, { began: null, from: 0, wanted: null, timer: null });
    return this.#places.get(part);
  }
}
