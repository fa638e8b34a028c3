// The log of a run: any line of it, its end while it grows, what is searched, and links to lines.

import { keep, kept } from "../kept.js";
import { bindKeys } from "./keys.js";
import { LogSearch } from "./search.js";
import { LogSource } from "./source.js";
import { LogView } from "./view.js";

const WRAP = "mlp-log-wrap";

class Log {
  constructor(card) {
    this.card = card;
    const part = (name) => card.querySelector(`[data-log-${name}]`);
    Object.assign(this, {
      attempt: part("attempt"), rank: part("rank"), followButton: part("follow"), wrapButton: part("wrap"),
      jump: part("jump"), news: part("news"), empty: part("empty"), frame: part("frame"), copy: part("copy"),
      address: part("address"), tools: part("tools"), scroller: part("scroll"), download: part("download"), plain: part("plain"),
    });
    this.following = true;
    // Nobody has chosen an attempt, so it is always the latest.
    this.isLatest = !new URLSearchParams(location.search).get("attempt");
    this.view = new LogView(this.scroller, (atEnd) => this.follow(atEnd));
    this.search = new LogSearch(part("search"), {
      onFound: (number) => this.found(number),
      onMatcher: (matcher) => {
        this.view.matcher = matcher;
        this.view.redraw();
      },
      startAt: () => this.view.top,
    });
    this.listen();
    this.wrap(Boolean(kept(WRAP) ?? matchMedia("(max-width: 767px)").matches));
    card.classList.add("log-live");
    this.mark(null);
    this.choose();
    this.toHash();
  }

  listen() {
    this.card.addEventListener("live", () => this.source.refreshSoon());
    for (const select of [this.attempt, this.rank]) select.addEventListener("change", () => this.choose(true));
    this.followButton.addEventListener("click", () => (this.following ? this.follow(false) : this.toEnd()));
    this.wrapButton.addEventListener("click", () => {
      this.wrap(!this.view.wraps);
      keep(WRAP, this.view.wraps);
    });
    this.news.addEventListener("click", () => this.toEnd());
    this.jump.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.jump.value) this.toLine(Number(this.jump.value));
    });
    this.scroller.addEventListener("click", (event) => {
      const number = event.target.closest("a[data-line]")?.dataset.line;
      if (!number) return;
      event.preventDefault();
      this.mark(Number(number));
      history.replaceState(null, "", this.link(number));
    });
    addEventListener("hashchange", () => this.toHash());
    bindKeys(this);
  }

  // The attempt and rank that are chosen.
  choose(isNews = false) {
    this.source?.close();
    const { value: attempt } = this.attempt;
    const { value: rank } = this.rank;
    this.source = new LogSource(this.card.dataset.url, attempt, rank, () => this.changed());
    this.seen = null;
    this.view.show(this.source);
    for (const [link, more] of [[this.download, "&download=1"], [this.plain, ""]]) {
      link.href = `${this.card.dataset.textUrl}?attempt=${attempt}&rank=${rank}${more}`;
    }
    if (isNews) {
      this.isLatest = false;
      this.mark(null);
      history.replaceState(null, "", this.link());
      this.follow(true);
    }
    this.search.use(this.source);
    return this.source.start();
  }

  changed() {
    const { total, over, streams } = this.source;
    if (this.offer(streams)) return;
    this.empty.hidden = total > 0;
    this.frame.hidden = this.tools.hidden = total === 0;
    this.jump.max = Math.max(1, total);
    if (this.following) this.seen = total;
    this.seen ??= total;
    const unseen = total - this.seen;
    this.news.hidden = unseen <= 0;
    this.news.querySelector("span").textContent = `${unseen.toLocaleString("en")} new ${unseen === 1 ? "line" : "lines"}`;
    this.view.changed(this.following);
    if (this.pending && this.pending <= total) {
      const number = this.pending;
      this.pending = null;
      this.view.toLine(number);
    }
    if (over !== this.searchedOver) {
      this.searchedOver = over;
      this.search.extend();
    }
  }

  // Attempts and ranks that have begun since. True if the log goes on in a new attempt.
  offer(streams) {
    const newest = Math.max(0, ...streams.map((stream) => stream.attempt));
    for (const [select, key] of [[this.attempt, "attempt"], [this.rank, "rank"]]) {
      const known = new Set([...select.options].map((option) => Number(option.value)));
      for (const value of new Set(streams.map((stream) => stream[key]))) if (!known.has(value)) select.add(new Option(value, value));
      select.closest("label").hidden = select.options.length < 2;
    }
    const goesOn = newest > Number(this.attempt.value) && this.isLatest && this.following;
    if (!goesOn) return false;
    // 0 stands for none so far.
    this.attempt.querySelector("option[value='0']")?.remove();
    this.attempt.value = newest;
    this.attempt.closest("label").hidden = this.attempt.options.length < 2;
    this.choose();
    return true;
  }

  follow(following) {
    if (this.following === following) return;
    this.following = following;
    this.followButton.setAttribute("aria-pressed", String(following));
    // What is merely scrolled into sight is no news.
    this.scroller.setAttribute("aria-live", following ? "polite" : "off");
    this.seen = this.source.total || null;
    this.news.hidden = true;
  }

  toEnd() {
    this.follow(true);
    this.view.toEnd();
  }

  toStart() {
    this.follow(false);
    this.view.toStart();
  }

  toLine(number) {
    const last = Math.min(Math.max(1, number), this.source.total || number);
    this.mark(last);
    history.replaceState(null, "", this.link(last));
    this.show(last);
  }

  show(number) {
    this.follow(false);
    // The log may not be here yet.
    if (number > this.source.total) this.pending = number;
    else this.view.toLine(number);
  }

  found(number) {
    this.view.current = number;
    if (number) {
      this.follow(false);
      this.view.toMatch(number);
    }
    this.view.redraw();
  }

  mark(number) {
    this.view.chosen = number;
    this.copy.hidden = !number;
    this.address.textContent = number ? new URL(this.link(number), location.href).href : "";
    this.view.redraw();
  }

  link(number) {
    const url = new URL(location.href);
    url.searchParams.set("attempt", this.attempt.value);
    url.searchParams.set("rank", this.rank.value);
    url.hash = number ? `L${number}` : "";
    return `${url.pathname}${url.search}${url.hash}`;
  }

  toHash() {
    const number = Number(/^#L(\d{1,15})$/.exec(location.hash)?.[1]);
    if (!number) return;
    this.mark(number);
    this.show(number);
    this.card.scrollIntoView({ block: "nearest" });
  }

  wrap(wraps) {
    this.scroller.classList.toggle("log-wraps", wraps);
    this.wrapButton.setAttribute("aria-pressed", String(wraps));
    this.view.redraw();
  }
}

for (const card of document.querySelectorAll("[data-log]")) new Log(card);
