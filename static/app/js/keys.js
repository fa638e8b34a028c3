// Keys of the runs table: j and k go from row to row, x selects, / filters, ? shows them all. The focus is that of the
// row's link, so Enter opens it and who does not see it hears which run it is.

import { keep, kept } from "./kept.js";

const KEPT = "row-keys";
const STEPS = { j: 1, k: -1, ArrowDown: 1, ArrowUp: -1 };

const dialog = document.getElementById("keys");
const toggle = dialog.querySelector("[data-keys-on]");
let focused = null;

const links = () => [...document.querySelectorAll(".runs-table tbody .row-link")];
const rowOf = (element) => element?.closest(".runs-table tbody tr");

function isTyping(target) {
  return target.isContentEditable || target.matches("input:not([type=checkbox]), textarea, select");
}

// From where one is, else from the row that had the focus last, else to the first.
function step(by) {
  const all = links();
  const here = rowOf(document.activeElement)?.id ?? focused;
  const at = all.findIndex((link) => rowOf(link).id === here);
  const next = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)];
  next?.focus();
  return Boolean(next);
}

function select() {
  const box = rowOf(document.activeElement)?.querySelector("input[type=checkbox]");
  box?.click();
  return Boolean(box);
}

function filter() {
  const box = document.getElementById("where");
  box.focus();
  box.select();
  return true;
}

function help() {
  dialog.showModal();
  return true;
}

function act({ key, target }) {
  // Arrows scroll wherever no row has the focus.
  if (key.startsWith("Arrow") ? rowOf(target) : toggle.checked) {
    if (key in STEPS) return step(STEPS[key]);
    if (key === "x") return select();
    if (key === "/") return filter();
    if (key === "?") return help();
  }
  return false;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (act(event)) event.preventDefault();
});

// A refetch may move rows, which takes the focus from them.
document.addEventListener("focusin", ({ target }) => {
  focused = rowOf(target)?.id ?? null;
});
document.addEventListener("pointerdown", () => { focused = null; });
document.addEventListener("htmx:after:swap", () => {
  if (focused && document.activeElement === document.body) {
    document.getElementById(focused)?.querySelector(".row-link")?.focus({ preventScroll: true });
  }
  show();
});

// Keys of one character get into the way of some who speak or use switches.
toggle.checked = kept(KEPT) !== false;
toggle.addEventListener("change", () => keep(KEPT, toggle.checked));
document.addEventListener("click", ({ target }) => {
  if (target.closest("[data-keys]")) help();
});

function show() {
  for (const button of document.querySelectorAll("[data-keys]")) button.hidden = false;
}
show();
