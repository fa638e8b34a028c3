// Files of code: dropped or chosen, refused at once if too large, and sent with a bar that says how far it is.

const MB = 2 ** 20;

function tooLarge(input) {
  return [...input.files].find((file) => file.size > Number(input.dataset.maxBytes));
}

// Replaces what the server said of an earlier file.
function say(input, text) {
  const id = `${input.id}_error`, hint = `${input.id}_helptext`;
  document.getElementById(id)?.remove();
  input.classList.toggle("is-invalid", Boolean(text));
  if (text) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
  input.setAttribute("aria-describedby", text ? `${hint} ${id}` : hint);
  if (text) input.after(Object.assign(document.createElement("div"), { id, className: "field-error", role: "alert", textContent: text }));
}

function check(input) {
  const file = tooLarge(input);
  say(input, file ? `${file.name} has ${Math.ceil(file.size / MB)} MiB; at most ${input.dataset.maxBytes / MB} are taken. Leave data out; read it from a shared path.` : "");
  return !file;
}

// "3.2 of 12 MB, about 8 s left", then what the portal does with it.
function words(loaded, total, seconds) {
  if (loaded >= total) return "Checking the code…";
  const left = loaded > 0 ? (seconds * (total - loaded)) / loaded : null;
  return `${(loaded / MB).toFixed(1)} of ${(total / MB).toFixed(1)} MB${left === null ? "" : `, about ${Math.ceil(left)} s left`}`;
}

function bar(form) {
  const box = form.querySelector("[data-upload-progress]");
  const meter = box.querySelector("progress"), text = box.querySelector("[role=status]");
  const began = performance.now();
  box.hidden = false;
  return {
    show({ loaded, total }) {
      if (loaded < total) meter.value = loaded / total;
      else meter.removeAttribute("value");
      text.textContent = words(loaded, total, (performance.now() - began) / 1000);
    },
    hide() {
      box.hidden = true;
      meter.value = 0;
    },
  };
}

// The answer is a page: another one, or this one with what is wrong.
function answer(request, form, address) {
  if (request.responseURL && request.responseURL !== address) return location.assign(request.responseURL);
  const next = new DOMParser().parseFromString(request.responseText, "text/html").querySelector("main");
  if (!next) return form.submit();
  document.querySelector("main").replaceWith(next);
  globalThis.htmx?.process(next);
  prepare();
  const wrong = next.querySelector("#code_error");
  wrong?.scrollIntoView({ block: "center" });
  next.querySelector("input[type=file]")?.focus({ preventScroll: true });
}

function send(form, button) {
  const fields = new FormData(form, button);
  const request = new XMLHttpRequest();
  const progress = bar(form);
  const address = new URL(form.getAttribute("action") ?? location.href, location.href).href;
  request.upload.addEventListener("progress", progress.show);
  request.addEventListener("load", () => answer(request, form, address));
  request.addEventListener("error", () => {
    progress.hide();
    button.disabled = false;
    say(form.querySelector("input[type=file]"), "The portal could not be reached. Your file and what you filled in are still here: try again.");
  });
  button.disabled = true;
  request.open("POST", address);
  request.send(fields);
}

function prepare() {
  for (const hint of document.querySelectorAll("[data-drop-words]")) hint.hidden = false;
}

document.addEventListener("change", (event) => {
  if (event.target.matches?.("input[type=file][data-max-bytes]")) check(event.target);
});

document.addEventListener("submit", (event) => {
  const form = event.target, button = event.submitter;
  const busy = form.matches("[data-busy]") && form.querySelector("[data-busy-bar]");
  if (busy) busy.hidden = false;
  if (!button?.matches("[data-upload]") || event.defaultPrevented) return;
  const input = form.querySelector("input[type=file][data-max-bytes]");
  if (!input.files.length) return;
  event.preventDefault();
  if (check(input)) send(form, button);
  else input.focus();
});

for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    const zone = event.target.closest?.("[data-drop]");
    for (const other of document.querySelectorAll("[data-drop].is-over")) if (other !== zone) other.classList.remove("is-over");
    if (!zone || !event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    zone.classList.toggle("is-over", kind === "dragover");
    if (kind !== "drop") return;
    const input = zone.querySelector("input[type=file]");
    input.files = event.dataTransfer.files;
    input.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
document.addEventListener("htmx:after:swap", prepare);
prepare();
