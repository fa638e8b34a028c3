// One WebSocket per page; data-live on the body names the places that it watches, of which most pages have one. The socket says what changed; elements with data-live-on fetch
// themselves again by their own hx-trigger="live", as often as their pace allows. Points come as they are, of the metrics that elements with
// data-live-metric name; who changes one says so by the event live:watch.

import { Pace } from "./pace.js";

const FIRST_DELAY_MS = 500;
const LAST_DELAY_MS = 15000;
// The server says something every 10 s.
const SILENCE_MS = 25000;
const ANSWER_MS = 4000;
const LOOK_MS = 5000;
const EVERYTHING = ["run", "experiment", "log", "model", "series"];
const NOT_SIGNED_IN = 4401;
const NOT_FOUND = 4404;

const [watched, ...others] = document.body.dataset.live.split(" ");
const query = others.length ? `?with=${others.join(",")}` : "";
const status = document.getElementById("live-status");
const waiting = new Set();
const pace = new Pace();
let socket = null;
let retry = null;
let failures = 0;
let isReady = false;
let wasRefused = false;
let isOver = false;
let heardAt = 0;
let lookedAt = Date.now();

function say(state, text) {
  if (!status) return;
  status.hidden = false;
  if (status.textContent === text) return;
  status.dataset.state = state;
  status.textContent = text;
}

// Nobody looks at a hidden page: remember what changed, and fetch it once when somebody does.
function tell(kinds) {
  for (const kind of kinds) waiting.add(kind);
  if (kinds.length) document.dispatchEvent(new CustomEvent("live:news", { detail: kinds }));
  if (document.hidden) return;
  for (const element of document.querySelectorAll("[data-live-on]")) {
    if (element.dataset.liveOn.split(" ").some((kind) => waiting.has(kind))) {
      pace.want(element, performance.now(), () => element.dispatchEvent(new CustomEvent("live", { bubbles: false })));
    }
  }
  if (waiting.has("series")) document.dispatchEvent(new CustomEvent("live:refetch"));
  waiting.clear();
}

// A part asks for the page as its address is when the request leaves: somebody may have sorted since it was triggered.
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (!ctx.sourceElement.dataset.liveOn) return;
  ctx.request.action = location.pathname + location.search;
  pace.begin(ctx.sourceElement, performance.now());
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  if (ctx.sourceElement.dataset.liveOn) pace.end(ctx.sourceElement, performance.now());
});

function receive(message) {
  if (message.watching) return ready();
  if (message.refetch) return tell(EVERYTHING);
  tell((message.changed ?? []).map((name) => name.split(":")[0]));
  if (message.points?.length) document.dispatchEvent(new CustomEvent("live:points", { detail: message.points }));
}

// From here on nothing is missed. What changed between the rendering of the page, or the loss of the last socket, and now
// was: everything is fetched once. After a change of metrics only points were.
function ready() {
  tell(isReady ? ["series"] : EVERYTHING);
  isReady = true;
  wasRefused = false;
  failures = 0;
  say("on", "Live");
}

function watch() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const names = [...document.querySelectorAll("[data-live-metric]")].map((element) => element.dataset.liveMetric);
  socket.send(JSON.stringify({ watch: [...new Set(names)].filter(Boolean) }));
}

function connect() {
  clearTimeout(retry);
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  const mine = new WebSocket(`${scheme}://${location.host}/ws/live/${watched}/${query}`);
  socket = mine;
  isReady = false;
  heardAt = Date.now();
  mine.addEventListener("open", watch);
  mine.addEventListener("message", (event) => {
    if (mine !== socket) return;
    heardAt = Date.now();
    receive(JSON.parse(event.data));
  });
  mine.addEventListener("close", (event) => {
    if (mine === socket) closed(event.code);
  });
}

function closed(code) {
  // Who changes the password gets a new session, which a new socket has.
  isOver = code === NOT_FOUND || (code === NOT_SIGNED_IN && wasRefused);
  if (isOver) return say("off", "Not live: reload the page");
  wasRefused = code === NOT_SIGNED_IN;
  const delay = Math.min(LAST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures) * (0.5 + Math.random());
  if (isReady || failures > 0) say("off", "Reconnecting…");
  failures += 1;
  retry = setTimeout(connect, delay);
}

// A socket that is dead without having been closed: the machine slept, or the network is another one.
function replace() {
  const dead = socket;
  socket = null;
  dead.close();
  say("off", "Reconnecting…");
  connect();
}

function look() {
  const slept = Date.now() - lookedAt > 3 * LOOK_MS;
  lookedAt = Date.now();
  if (isOver || socket.readyState === WebSocket.CLOSED) return;
  if (Date.now() - heardAt > SILENCE_MS) replace();
  else if (slept) wake();
}

// Somebody is back: do not wait for a timer that may be long.
function wake() {
  if (isOver) return;
  if (socket.readyState === WebSocket.CLOSED) return connect();
  if (socket.readyState !== WebSocket.OPEN) return;
  const mine = socket;
  const askedAt = Date.now();
  mine.send('{"ping":true}');
  setTimeout(() => {
    if (mine === socket && mine.readyState === WebSocket.OPEN && heardAt < askedAt) replace();
  }, ANSWER_MS);
}

if (watched) {
  document.addEventListener("visibilitychange", () => {
    tell([]);
    if (!document.hidden) wake();
  });
  addEventListener("online", wake);
  addEventListener("pageshow", (event) => {
    if (event.persisted) wake();
  });
  document.addEventListener("live:watch", watch);
  setInterval(look, LOOK_MS);
  connect();
}
