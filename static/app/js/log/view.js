// Shows the lines around one place of a log, however long it is, with rows of any height.
//
// The place is a share p of the whole: the point at p of all lines is shown at p of the window's height. So the first line
// is at the top for p = 0, the last one at the bottom for p = 1, all are reached in between, and nothing has to be measured
// but the rows that are there. Browsers allow elements of some million pixels only; beyond that the scroll bar is scaled.

import { row } from "./row.js";

const MAX_HEIGHT = 6_000_000;
// So few lines are all there: their real height is the height of the log.
const FEW = 200;
const END = 1e-9;

export class LogView {
  // `onMove(atEnd)` is called when a person has moved.
  constructor(scroller, onMove) {
    this.scroller = scroller;
    this.space = scroller.querySelector("[data-log-space]");
    this.window = scroller.querySelector("[data-log-window]");
    this.list = scroller.querySelector("[data-log-rows]");
    this.onMove = onMove;
    this.rows = new Map();
    this.place = 1;
    this.chosen = null;
    this.current = null;
    this.matcher = null;
    // The match that is to be brought into sight sideways, too, once its line is there.
    this.revealing = null;
    this.rowHeight = parseFloat(getComputedStyle(this.list).lineHeight);
    this.average = this.rowHeight;
    scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    scroller.addEventListener("wheel", (event) => this.wheeled(event), { passive: false });
    new ResizeObserver(() => this.redraw()).observe(scroller);
  }

  get wraps() {
    return this.scroller.classList.contains("log-wraps");
  }

  get atEnd() {
    return this.place >= 1 - END;
  }

  // Pixels that the whole log would have beyond the window.
  get beyond() {
    return this.source.total * this.average - this.scroller.clientHeight;
  }

  show(source) {
    this.source = source;
    this.rows.clear();
    this.list.replaceChildren();
    this.space.style.minWidth = "";
    this.shown = 0;
    this.place = 1;
  }

  // The log has grown, or lines have arrived: what one reads stays where it is.
  changed(following) {
    const { total } = this.source;
    if (following) this.place = 1;
    else if (total !== this.shown && this.beyond > 0) {
      const { clientHeight } = this.scroller;
      this.place = clamp((this.place * (this.shown * this.average - clientHeight)) / this.beyond);
    }
    this.redraw();
  }

  toEnd() {
    this.place = 1;
    this.redraw();
  }

  toStart() {
    this.place = 0;
    this.redraw();
  }

  // Bring a line to the middle.
  toLine(number) {
    // The window has another height once there is much to show.
    this.drawNow();
    const middle = this.scroller.clientHeight / 2;
    this.place = this.beyond > 0 ? clamp(((number - 0.5) * this.average - middle) / this.beyond) : 1;
    this.drawNow();
    const found = this.rows.get(number);
    if (!found || !(this.beyond > 0)) return;
    // Once more with the heights that the rows really have.
    const box = found.getBoundingClientRect();
    const off = box.top + box.height / 2 - this.scroller.getBoundingClientRect().top - middle;
    if (Math.abs(off) > this.rowHeight) this.by(off);
  }

  // The same, and sideways to its first match.
  toMatch(number) {
    this.revealing = number;
    this.toLine(number);
  }

  by(pixels) {
    if (!(this.beyond > 0)) return;
    this.place = clamp(this.place + pixels / this.beyond);
    this.redraw();
  }

  // The number of the first line that is in sight.
  get top() {
    const edge = this.scroller.getBoundingClientRect().top;
    for (const [number, element] of this.rows) if (element.getBoundingClientRect().bottom > edge + 1) return number;
    return 1;
  }

  scrolled() {
    const { scrollTop } = this.scroller;
    if (Math.abs(scrollTop - this.expected) < 1) return;
    const range = this.space.offsetHeight - this.scroller.clientHeight;
    this.place = range > 0 ? clamp(scrollTop / range) : 1;
    // The last pixel may be out of reach.
    if (range - scrollTop < 1.5) this.place = 1;
    this.expected = scrollTop;
    this.onMove(this.atEnd);
    this.redraw();
  }

  wheeled(event) {
    const scaled = this.source.total * this.rowHeight > MAX_HEIGHT;
    if (!scaled || event.ctrlKey || event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) return;
    event.preventDefault();
    const unit = [1, this.rowHeight, this.scroller.clientHeight][event.deltaMode];
    this.by(event.deltaY * unit);
    this.onMove(this.atEnd);
  }

  redraw() {
    this.drawing ??= requestAnimationFrame(() => this.drawNow());
  }

  drawNow() {
    cancelAnimationFrame(this.drawing);
    this.drawing = null;
    if (!this.source) return;
    const { total } = this.source;
    this.shown = total;
    const { clientHeight } = this.scroller;
    const isShort = total <= FEW;
    this.scroller.classList.toggle("log-short", isShort);
    this.list.style.setProperty("--log-digits", Math.max(3, String(total).length));
    this.window.style.height = isShort ? "" : `${clientHeight}px`;
    this.space.style.height = isShort ? "" : `${Math.max(clientHeight, Math.min(total * this.rowHeight, MAX_HEIGHT))}px`;
    const at = Math.min(this.place * total, total - END);
    const anchor = Math.floor(at) + 1;
    const around = isShort ? FEW : Math.ceil(clientHeight / this.rowHeight) + 2;
    this.fill(Math.max(1, anchor - around), Math.min(total, anchor + around));
    this.lay(isShort, anchor, at + 1 - anchor);
  }

  // Rows that stay are left alone, so that a selection in them survives.
  fill(first, last) {
    this.source.want(first, last);
    for (const [number, element] of this.rows) {
      if (number >= first && number <= last) continue;
      element.remove();
      this.rows.delete(number);
    }
    let before = this.list.firstChild;
    const rows = new Map();
    for (let number = first; number <= last; number++) {
      const existing = this.rows.get(number);
      const element = row(existing, number, this.source.line(number), this);
      if (!existing) this.list.insertBefore(element, before);
      else {
        before = existing.nextSibling;
        if (element !== existing) existing.replaceWith(element);
      }
      rows.set(number, element);
    }
    this.rows = rows;
  }

  // Put the rows where they belong, and the scroll bar with them.
  lay(isShort, anchor, part) {
    const height = this.list.offsetHeight;
    this.average = this.rows.size ? Math.max(this.rowHeight, height / this.rows.size) : this.rowHeight;
    const { clientHeight } = this.scroller;
    const range = (isShort ? height : this.space.offsetHeight) - clientHeight;
    const element = this.rows.get(anchor);
    const offset = isShort || !element ? 0 : this.place * clientHeight - (element.offsetTop + part * element.offsetHeight);
    this.list.style.transform = offset ? `translateY(${offset}px)` : "";
    if (!this.wraps) this.space.style.minWidth = `${Math.max(this.list.scrollWidth, this.space.offsetWidth)}px`;
    const scrollTop = Math.max(0, range * this.place);
    if (Math.abs(this.scroller.scrollTop - scrollTop) >= 1) this.scroller.scrollTop = scrollTop;
    this.expected = this.scroller.scrollTop;
    this.reveal();
  }

  reveal() {
    const mark = this.rows.get(this.revealing)?.querySelector("mark");
    if (!mark) return;
    this.revealing = null;
    const box = this.scroller.getBoundingClientRect();
    const left = box.left + this.list.querySelector(".log-number").offsetWidth;
    const place = mark.getBoundingClientRect();
    if (place.left < left || place.right > box.right) this.scroller.scrollLeft += place.left - left - (box.right - left) / 3;
  }
}

function clamp(share) {
  return Math.min(1, Math.max(0, share));
}
