// New experiment and add runs: how many runs do these values make? The server counts for itself.

const MAX_RUNS = 1000;

function valuesOf(parameter) {
  const boxes = parameter.querySelectorAll("input[type=checkbox]");
  if (boxes.length) return Math.max(1, [...boxes].filter((box) => box.checked).length);
  const text = parameter.querySelector("input")?.value ?? "";
  const parts = text.split(",").map((part) => part.trim()).filter(Boolean);
  return Math.max(1, new Set(parts).size);
}

function count(form) {
  let runs = 1;
  for (const parameter of form.querySelectorAll("[data-parameter]")) {
    const values = valuesOf(parameter);
    parameter.classList.toggle("is-grid", values > 1);
    runs *= values;
  }
  for (const element of form.querySelectorAll("[data-run-count]")) {
    element.textContent = runs;
    element.classList.toggle("text-failed", runs > MAX_RUNS);
  }
  for (const element of form.querySelectorAll("[data-run-word]")) element.textContent = runs === 1 ? "run" : "runs";
}

for (const form of document.querySelectorAll("form[data-grid]")) {
  form.addEventListener("input", () => count(form));
  count(form);
}
