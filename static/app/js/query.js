// Completion of the query above the runs: a combobox of fields, operators and values. Without scripts the browser
// completes the first field.

import { completion } from "./complete.js";
import { made } from "./dom.js";

const LABELS = { field: "Fields", operator: "Operators", value: "Values", item: "Values" };
const AFTER = { list: "", item: "" };

let list = null;
let found = null;
let text = "";
let marked = -1;
let asked = where();

const box = () => document.getElementById("where");

// They may be others after a refetch.
function fields() {
  return [...document.querySelectorAll("#query-fields option")].map(({ value, dataset }) => ({
    name: value,
    operators: dataset.operators.split(" "),
    values: JSON.parse(dataset.values),
  }));
}

function close() {
  list?.remove();
  list = null;
  marked = -1;
  box()?.setAttribute("aria-expanded", "false");
  box()?.removeAttribute("aria-activedescendant");
}

function mark(index) {
  marked = index;
  [...list.children].forEach((item, at) => {
    item.setAttribute("aria-selected", at === index);
    if (at === index) {
      item.scrollIntoView({ block: "nearest" });
      box().setAttribute("aria-activedescendant", item.id);
    }
  });
}

function take(option) {
  const input = box();
  input.focus();
  // Something else may have changed it meanwhile.
  if (input.value.slice(0, input.selectionStart) !== text) return close();
  input.setRangeText(option + (AFTER[found.kind] ?? " "), found.from, text.length, "end");
  suggest();
}

function suggest() {
  const input = box();
  close();
  text = input.value.slice(0, input.selectionStart);
  found = completion(text, fields());
  if (!found) return;
  list = made("ul", { className: "query-list", id: "query-list", role: "listbox", ariaLabel: LABELS[found.kind] ?? "Words" });
  found.options.forEach((option, at) => {
    const item = made("li", { id: `query-option-${at}`, role: "option", ariaSelected: "false", textContent: option });
    item.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(option);
    });
    list.append(item);
  });
  input.parentElement.append(list);
  input.setAttribute("aria-expanded", "true");
}

function onKey(event) {
  if (event.key === "ArrowDown" && !list) suggest();
  if (!list) return;
  const last = list.children.length - 1;
  if (event.key === "ArrowDown") mark(marked >= last ? 0 : marked + 1);
  else if (event.key === "ArrowUp") mark(marked <= 0 ? last : marked - 1);
  else if ((event.key === "Enter" || event.key === "Tab") && marked >= 0) take(found.options[marked]);
  else if (event.key === "Escape") close();
  else return;
  event.preventDefault();
  event.stopPropagation();
}

function prepare() {
  const input = box();
  if (!input || input.getAttribute("role") === "combobox") return;
  input.removeAttribute("list");
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", "query-list");
  input.setAttribute("aria-expanded", "false");
  input.addEventListener("input", suggest);
  input.addEventListener("focus", suggest);
  input.addEventListener("blur", close);
  input.addEventListener("keydown", onKey);
}

function where() {
  return new URLSearchParams(location.search).get("where");
}

// A link such as "Show all" asks for another query than the one that stands in the box. Other swaps leave alone what is typed.
document.addEventListener("htmx:after:swap", () => {
  prepare();
  const input = box();
  if (!input || where() === asked) return;
  asked = where();
  if (document.activeElement !== input) input.value = asked ?? input.defaultValue;
});
prepare();
