// Selecting rows of a table in a form[data-select]: all of a page, a range with Shift; it stays over refetches and pages.

const selected = new Set();
let last = null;

const boxesOf = (form) => [...form.querySelectorAll("tbody input[type=checkbox]")];

// A refetch may draw rows anew: the selection is what was chosen, not what is drawn.
function show() {
  for (const form of document.querySelectorAll("form[data-select]")) {
    const boxes = boxesOf(form);
    for (const box of boxes) box.checked = selected.has(box.value);
    const count = boxes.filter((box) => box.checked).length;
    form.toggleAttribute("data-selected", selected.size > 0);
    sendAlong(form, boxes);
    // What makes sense for so many only.
    for (const button of form.querySelectorAll("[data-select-from]")) {
      button.disabled = selected.size < Number(button.dataset.selectFrom) || selected.size > Number(button.dataset.selectTo);
    }
    const words = form.querySelector("[data-select-count]");
    if (words) words.textContent = `${selected.size} selected${selected.size > count ? `, ${count} on this page` : ""}`;
    const pick = form.querySelector("[data-select-all]");
    if (!pick) continue;
    pick.hidden = false;
    const all = pick.querySelector("input");
    all.checked = count > 0 && count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  }
}

// What was chosen on other pages is sent with what is on this one.
function sendAlong(form, boxes) {
  for (const old of form.querySelectorAll("[data-select-far]")) old.remove();
  const here = new Set(boxes.map((box) => box.value));
  if (!boxes.length) return;
  for (const value of selected) {
    if (here.has(value)) continue;
    const field = document.createElement("input");
    Object.assign(field, { type: "hidden", name: boxes[0].name, value });
    field.dataset.selectFar = "";
    form.append(field);
  }
}

// The chart shows what is selected.
function tell() {
  document.dispatchEvent(new CustomEvent("select:changed", { detail: [...selected] }));
}

function choose(box, on) {
  if (on) selected.add(box.value);
  else selected.delete(box.value);
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("form[data-select] input[type=checkbox]");
  if (!box) return;
  const boxes = boxesOf(box.form);
  if (box.closest("[data-select-all]")) {
    for (const one of boxes) choose(one, box.checked);
  } else {
    const from = event.shiftKey ? boxes.findIndex((one) => one.value === last) : -1;
    const to = boxes.indexOf(box);
    const [low, high] = from < 0 ? [to, to] : [Math.min(from, to), Math.max(from, to)];
    for (const one of boxes.slice(low, high + 1)) choose(one, box.checked);
    last = box.value;
  }
  show();
  tell();
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || event.defaultPrevented || !selected.size || document.querySelector("dialog[open]")) return;
  selected.clear();
  show();
  tell();
});

document.addEventListener("reset", (event) => {
  if (!event.target.matches("form[data-select]")) return;
  selected.clear();
  setTimeout(show);
  tell();
});

document.addEventListener("htmx:after:swap", show);
// What the browser kept of an earlier visit is selected as well.
for (const box of document.querySelectorAll("form[data-select] tbody input:checked")) selected.add(box.value);
show();
