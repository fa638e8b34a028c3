// New experiment and add runs: how many runs do these values make? The server counts for itself.

const MAX_RUNS = 10000;
const RANGE = /^\s*(\S*?)\s*\.\.\s*([^\s,]*)((?:\s+(?:log|linear|step\s+\S+))*)\s*$/;

// The values of a parameter as texts, or a number of them for a range; NaN where there is no end of them.
function valuesOf(parameter) {
  const boxes = parameter.querySelectorAll("input[type=checkbox]");
  if (boxes.length) {
    const ticked = [...boxes].filter((box) => box.checked).map((box) => box.value);
    return ticked.length ? ticked : [""];
  }
  const text = parameter.querySelector("input")?.value ?? "";
  const range = RANGE.exec(text);
  if (range && parameter.dataset.ranges) return inRange(range, parameter.dataset.ranges === "int");
  const parts = (text.match(/"(?:[^"]|"")*"|[^,]+/g) ?? []).map((part) => part.trim()).filter(Boolean);
  return parts.length ? [...new Set(parts)] : [""];
}

function inRange([, low, high, words], whole) {
  const step = Number(/step\s+(\S+)/.exec(words)?.[1] ?? (whole ? 1 : NaN));
  const count = low && high ? Math.floor((Number(high) - Number(low)) / step + 1e-6) + 1 : NaN;
  return Number.isFinite(count) && count > 0 ? count : NaN;
}

// What a parameter's conditions are about comes before it.
function inOrder(parameters) {
  const left = [...parameters], order = [], done = new Set();
  while (left.length) {
    const at = left.findIndex(({ when }) => Object.keys(when).every((name) => done.has(name)));
    const [next] = left.splice(Math.max(at, 0), 1);
    order.push(next);
    done.add(next.name);
  }
  return order;
}

function combinations(parameters, parents, chosen = {}) {
  if (!parameters.length) return 1;
  const [first, ...rest] = parameters;
  if (!Object.entries(first.when).every(([name, values]) => values.includes(chosen[name]))) {
    return combinations(rest, parents, chosen);
  }
  if (!Array.isArray(first.values)) return first.values * combinations(rest, parents, chosen);
  if (!parents.has(first.name)) return first.values.length * combinations(rest, parents, chosen);
  return first.values.reduce((sum, value) => sum + combinations(rest, parents, { ...chosen, [first.name]: value }), 0);
}

function sets(form) {
  const parameters = [...form.querySelectorAll("[data-parameter]")].map((element) => {
    const values = valuesOf(element);
    element.classList.toggle("is-grid", !Array.isArray(values) || values.length > 1);
    return { name: element.dataset.parameter, when: JSON.parse(element.dataset.when || "{}"), values };
  });
  const parents = new Set(parameters.flatMap(({ when }) => Object.keys(when)));
  return combinations(inOrder(parameters), parents);
}

// Sets that are listed one by one, under a line of names.
function listed(form) {
  const lines = (form.querySelector("textarea[name=sets]")?.value ?? "").split("\n").filter((line) => line.trim());
  return Math.max(lines.length - 1, 0);
}

function found(form, method) {
  const combined = sets(form);
  if (method === "list") return 0;
  return method === "grid" ? combined : Number(form.querySelector("input[name=runs]").value);
}

function count(form) {
  const method = form.querySelector("input[name=method]:checked")?.value ?? "grid";
  const repeat = Number(form.querySelector("input[name=repeat]")?.value || 1);
  const runs = (found(form, method) + listed(form)) * repeat;
  if (method === "list") form.querySelector("[data-sets]").open = true;
  for (const element of form.querySelectorAll("[data-run-words]")) {
    element.textContent = runs > 0 ? `\u00a0${runs}\u00a0${runs === 1 ? "run" : "runs"}` : "";
    element.classList.toggle("too-many", runs > MAX_RUNS);
  }
}

document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form[data-grid]");
  if (form) count(form);
});
document.addEventListener("htmx:after:swap", (event) => {
  // Nobody asked for the preview that comes while somebody types.
  if (event.target.id === "preview") return;
  for (const form of document.querySelectorAll("form[data-grid]")) {
    count(form);
    // To what the preview says, or to the first thing that it says is wrong.
    const wrong = form.querySelector(".field-error, .alert-danger");
    (wrong ?? form.querySelector("#preview"))?.scrollIntoView({ block: wrong ? "center" : "nearest" });
  }
});
document.querySelectorAll("form[data-grid]").forEach(count);
