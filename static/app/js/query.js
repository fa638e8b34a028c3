// Completion of the names of fields in the query above the runs. Without scripts the browser completes the first one.

const WORD = /[^\s"'()<>=!,]*$/;
const MAX_SHOWN = 12;

let list = null;
let marked = -1;
let asked = where();

const box = () => document.getElementById("where");
const options = () => [...document.querySelectorAll("#query-fields option")].map((option) => option.value);

function close() {
  list?.remove();
  list = null;
  marked = -1;
  box()?.setAttribute("aria-expanded", "false");
  box()?.removeAttribute("aria-activedescendant");
}

// Inside of quotes there are no fields, and after an operator there is a value.
function word(input) {
  const before = input.value.slice(0, input.selectionStart);
  const quotes = before.match(/"/g)?.length ?? 0;
  const typed = before.match(WORD)[0];
  const rest = before.slice(0, before.length - typed.length).trimEnd();
  if (quotes % 2 || /[=<>,]$|\b(contains|in)$/i.test(rest)) return null;
  // Between a comparison and the next one comes a word, not a field.
  if (rest && !/(\(|\b(and|or|not))$/i.test(rest)) return null;
  return typed;
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

function take(name) {
  const input = box();
  const at = input.selectionStart;
  const start = at - (word(input) ?? "").length;
  input.setRangeText(`${name} `, start, at, "end");
  close();
  input.focus();
}

function suggest() {
  const input = box();
  const typed = word(input);
  close();
  if (typed === null) return;
  const wanted = typed.toLowerCase();
  const found = options().filter((name) => name.toLowerCase().includes(wanted) && name !== typed).slice(0, MAX_SHOWN);
  if (!found.length) return;
  list = document.createElement("ul");
  list.className = "query-list";
  list.id = "query-list";
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Fields");
  found.forEach((name, at) => {
    const item = document.createElement("li");
    item.id = `query-option-${at}`;
    item.setAttribute("role", "option");
    item.textContent = name;
    item.addEventListener("mousedown", (event) => {
      event.preventDefault();
      take(name);
    });
    list.append(item);
  });
  input.parentElement.append(list);
  input.setAttribute("aria-expanded", "true");
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
  input.addEventListener("keydown", (event) => {
    if (!list) return;
    const last = list.children.length - 1;
    if (event.key === "ArrowDown") mark(marked >= last ? 0 : marked + 1);
    else if (event.key === "ArrowUp") mark(marked <= 0 ? last : marked - 1);
    else if (event.key === "Enter" && marked >= 0) take(list.children[marked].textContent);
    else if (event.key === "Tab" && marked >= 0) take(list.children[marked].textContent);
    else if (event.key === "Escape") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
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
