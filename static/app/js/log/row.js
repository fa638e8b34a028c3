// One line of the log as an element: its number, which is a link to it, and its text in colours.

import { clock } from "../words.js";
import { element, pieces, plain } from "./ansi.js";

// The element for a line: the one that is there, if nothing about it has changed. `line` is undefined until it arrives.
export function row(existing, number, line, { matcher, chosen, current }) {
  const text = line?.text;
  const found = existing && existing.logText === text && existing.logMatcher === matcher ? existing : made(number, line, matcher);
  found.classList.toggle("is-chosen", number === chosen);
  found.classList.toggle("is-current", number === current);
  return found;
}

function made(number, line, matcher) {
  const box = document.createElement("div");
  box.className = line ? "log-row" : "log-row is-missing";
  box.logText = line?.text;
  box.logMatcher = matcher;
  const link = document.createElement("a");
  link.className = "log-number";
  link.href = `#L${number}`;
  link.tabIndex = -1;
  link.dataset.line = number;
  link.textContent = number;
  link.setAttribute("aria-label", `Line ${number}`);
  if (line?.time) link.title = clock(line.time);
  const text = document.createElement("span");
  text.className = "log-text";
  // What is copied has its line feeds.
  text.append(...(line ? highlighted(line.text, matcher) : []), "\n");
  box.append(link, text);
  return box;
}

// Matches are found in the text without colours, so one may reach over several pieces.
function highlighted(text, matcher) {
  const marks = matcher ? matcher(plain(text)) : [];
  const parts = [];
  let at = 0;
  for (const piece of pieces(text)) {
    const end = at + piece.text.length;
    let from = at;
    for (const [start, stop] of marks) {
      if (stop <= from || start >= end) continue;
      if (start > from) parts.push(element(piece.text.slice(from - at, start - at), piece.style));
      const mark = document.createElement("mark");
      mark.append(element(piece.text.slice(Math.max(start, from) - at, Math.min(stop, end) - at), piece.style));
      parts.push(mark);
      from = Math.min(stop, end);
    }
    if (from < end) parts.push(element(piece.text.slice(from - at), piece.style));
    at = end;
  }
  return parts;
}
