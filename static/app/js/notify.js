// The end of an experiment: a toast, and if nobody looks, a mark in the title and, if the bell is on, a notification.

const ASK_MS = 3000;
const KEY = "bell";
const MARK = "(✓) ";
const ENDED = ["completed", "canceled"];

const icon = document.querySelector("link[rel=icon]")?.href;
let known = document.getElementById("outcome")?.dataset.outcome;
let askedAt = 0;
let later = null;

function isOn() {
  try {
    return globalThis.Notification?.permission === "granted" && localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

function keep(on) {
  try {
    localStorage.setItem(KEY, on ? "on" : "off");
  } catch { /* storage is off: the bell stays off, too */ }
}

function toast(level, text) {
  document.dispatchEvent(new CustomEvent("toast", { detail: { level, text } }));
}

function showBell() {
  for (const bell of document.querySelectorAll("[data-bell]")) {
    bell.hidden = !("Notification" in globalThis);
    bell.setAttribute("aria-pressed", String(isOn()));
    bell.title = isOn() ? "You are told when it finishes" : "Tell me when it finishes";
  }
}

async function ring() {
  if (isOn()) keep(false);
  else if ((await Notification.requestPermission()) === "granted") keep(true);
  else toast("warning", "The browser does not allow notifications of this site; its settings can change that. The title of this page is marked all the same.");
  showBell();
}

function announce(words) {
  toast("success", words);
  if (!document.hidden) return;
  if (!document.title.startsWith(MARK)) document.title = MARK + document.title;
  if (!isOn()) return;
  const note = new Notification(words, { tag: location.pathname, icon });
  note.addEventListener("click", () => {
    focus();
    note.close();
  });
}

function learn(state, words) {
  const before = known;
  known = state;
  if (before && state !== before && ENDED.includes(state) && words) announce(words);
}

// A hidden page fetches no parts of itself, so it asks for these few words only.
async function ask() {
  askedAt = Date.now();
  try {
    const response = await fetch(`${location.pathname}outcome/`, { headers: { Accept: "application/json" } });
    if (!response.ok) return;
    const { state, words } = await response.json();
    learn(state, words);
  } catch { /* the portal is away; there will be other news */ }
}

document.addEventListener("live:news", ({ detail }) => {
  if (!document.hidden || ENDED.includes(known) || !detail.includes("experiment")) return;
  clearTimeout(later);
  const wait = askedAt + ASK_MS - Date.now();
  if (wait <= 0) ask();
  else later = setTimeout(ask, wait);
});
document.addEventListener("htmx:after:swap", () => {
  const shown = document.getElementById("outcome");
  if (shown) learn(shown.dataset.outcome, shown.dataset.words);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && document.title.startsWith(MARK)) document.title = document.title.slice(MARK.length);
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-bell]")) ring();
});
addEventListener("storage", showBell);
showBell();
