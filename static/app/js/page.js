// What every page has: notifications, menus, confirmations, copy buttons, times in the viewer's zone.

const TOAST_MS = 8000;

function toast(level, text) {
  const box = document.createElement("div");
  box.className = `toast show toast-${level}`;
  box.dataset.toast = "";
  box.setAttribute("role", level === "error" ? "alert" : "status");
  box.innerHTML = '<div class="toast-body"><span class="toast-text"></span>' +
    '<button type="button" class="btn-close" data-toast-close aria-label="Close notification"></button></div>';
  box.querySelector(".toast-text").textContent = text;
  document.getElementById("toasts")?.append(box);
}

document.addEventListener("toast", ({ detail }) => toast(detail.level, detail.text));

// Errors stay until closed; the rest goes by itself, but not while somebody points at or is in it.
function expire(box) {
  if (box.dataset.timed || box.classList.contains("toast-error")) return;
  box.dataset.timed = "1";
  const leave = () => (box.matches(":hover, :focus-within") ? setTimeout(leave, 1000) : box.remove());
  setTimeout(leave, TOAST_MS);
}

function watchToasts() {
  const region = document.getElementById("toasts");
  if (!region) return;
  const all = () => region.querySelectorAll("[data-toast]").forEach(expire);
  new MutationObserver(all).observe(region, { childList: true, subtree: true });
  all();
}

const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
const UNITS = [["year", 31536000], ["month", 2592000], ["week", 604800], ["day", 86400], ["hour", 3600], ["minute", 60]];

function words(seconds) {
  for (const [unit, size] of UNITS) {
    if (Math.abs(seconds) >= size) return relative.format(Math.trunc(seconds / size), unit);
  }
  return Math.abs(seconds) < 10 ? "just now" : relative.format(Math.trunc(seconds), "second");
}

function showTimes(root = document) {
  for (const element of root.querySelectorAll("time[data-relative]")) {
    const at = new Date(element.dateTime);
    element.title = at.toLocaleString();
    const text = words((at - Date.now()) / 1000);
    if (element.textContent !== text) element.textContent = text;
  }
}

function showCopies() {
  for (const button of document.querySelectorAll("[data-copy]")) button.hidden = false;
}

// Of a field, what stands in it now.
const textOf = (element) => element.value ?? element.textContent;

function confirmed(text) {
  const dialog = document.createElement("dialog");
  dialog.className = "confirm";
  dialog.setAttribute("aria-label", "Please confirm");
  dialog.innerHTML = '<form method="dialog"><p></p><div class="btn-list justify-content-end">' +
    '<button class="btn" value="no">Go back</button><button class="btn btn-danger" value="yes">Yes, do it</button></div></form>';
  dialog.querySelector("p").textContent = text;
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => {
    resolve(dialog.returnValue === "yes");
    dialog.remove();
  }));
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const submitter = event.submitter;
  const question = submitter?.dataset.confirm ?? form.dataset.confirm;
  if (question && form.dataset.sure !== "1") {
    event.preventDefault();
    event.stopImmediatePropagation();
    if (await confirmed(question)) {
      form.dataset.sure = "1";
      form.requestSubmit(submitter);
    }
    return;
  }
  // A second click would create a second thing. Whether this one is sent is known after all listeners.
  if (form.method === "post" && submitter) setTimeout(() => { submitter.disabled ||= !event.defaultPrevented; });
}, true);

// A page that comes back from the browser's cache must not keep its buttons disabled.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});

document.addEventListener("click", async (event) => {
  event.target.closest("[data-toast-close]")?.closest("[data-toast]")?.remove();
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(textOf(document.querySelector(button.dataset.copy)));
    toast("success", "Copied.");
  } catch {
    toast("warning", "The browser does not allow copying here; select the text instead.");
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  }
});

document.addEventListener("htmx:error", () => {
  if (!document.querySelector("[data-toast].toast-warning")) toast("warning", "The portal did not answer. The page catches up when it is back.");
});
document.addEventListener("htmx:after:swap", () => {
  showTimes();
  showCopies();
});

showCopies();
for (const zone of document.querySelectorAll("[data-time-zone]")) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone;
watchToasts();
showTimes();
setInterval(showTimes, 20000);
