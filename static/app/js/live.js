// One WebSocket per page, named by data-live on the body. The socket says what changed; elements with data-live-on fetch
// themselves again by their own hx-trigger="live …". Points go to the chart as they are.

const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 15000;
const EVERYTHING = ["run", "experiment", "log", "model", "points"];
// Closed by the server for good: not signed in, no such thing.
const FINAL_CODES = [4401, 4404];

const watched = document.body.dataset.live;
const status = document.getElementById("live-status");
const waiting = new Set();
let failures = 0;
let opened = false;

function say(state, text) {
  if (!status) return;
  status.hidden = false;
  if (status.dataset.state === state) return;
  status.dataset.state = state;
  status.textContent = text;
}

// Nobody looks at a hidden page: remember what changed, and fetch it once when somebody does.
function tell(kinds) {
  for (const kind of kinds) waiting.add(kind);
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-live-on]")) {
    if (element.dataset.liveOn.split(" ").some((kind) => waiting.has(kind))) {
      element.dispatchEvent(new CustomEvent("live", { bubbles: false }));
    }
  }
  if (waiting.has("points")) document.dispatchEvent(new CustomEvent("live:refetch"));
  waiting.clear();
}

// A part asks for the page as its address is when the request leaves: somebody may have sorted since it was triggered.
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement.dataset.liveOn) ctx.request.action = location.pathname + location.search;
});

function receive(message) {
  if (message.refetch) return tell(EVERYTHING);
  tell((message.changed ?? []).map((name) => name.split(":")[0]));
  if (message.points?.length) {
    if (document.hidden) waiting.add("points");
    else document.dispatchEvent(new CustomEvent("live:points", { detail: message.points }));
  }
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const socket = new WebSocket(`${scheme}://${location.host}/ws/live/${watched}/`);
  socket.addEventListener("open", () => {
    // The page was rendered before the socket opened: something may have changed between.
    tell(EVERYTHING);
    failures = 0;
    opened = true;
    say("on", "Live");
  });
  socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  socket.addEventListener("close", (event) => {
    if (FINAL_CODES.includes(event.code)) return say("off", "Not live: reload the page");
    const delay = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures) * (0.5 + Math.random());
    failures += 1;
    if (opened || failures > 1) say("off", "Reconnecting…");
    setTimeout(connect, delay);
  });
}

if (watched) {
  document.addEventListener("visibilitychange", () => tell([]));
  connect();
}
