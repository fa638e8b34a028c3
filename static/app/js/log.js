// The log follows its end; scrolling up pauses it, so that one can read.

const THROTTLE_MS = 700;
const SLACK_PX = 24;

for (const box of document.querySelectorAll("[data-log]")) follow(box);

function follow(box) {
  const text = box.querySelector("[data-log-text]");
  const state = box.querySelector("[data-log-state]");
  const resume = box.querySelector("[data-log-resume]");
  const cut = box.querySelector("[data-log-cut]");
  let following = true;
  let timer = null;
  let missed = false;

  const toEnd = () => { text.scrollTop = text.scrollHeight; };
  const atEnd = () => text.scrollHeight - text.scrollTop - text.clientHeight < SLACK_PX;

  async function fetchTail() {
    timer = null;
    if (!following) {
      missed = true;
      state.textContent = "Paused, there is more";
      return;
    }
    try {
      const response = await fetch(box.dataset.url, { headers: { Accept: "text/plain" } });
      if (!response.ok) return;
      const tail = await response.text();
      if (!following) return;
      if (tail && tail !== text.textContent) text.textContent = tail;
      cut.hidden = response.headers.get("X-Log-Truncated") !== "1";
      toEnd();
    } catch {
      // The portal is away: the socket reconnects and asks again.
    }
  }

  box.addEventListener("live", () => { timer ??= setTimeout(fetchTail, THROTTLE_MS); });
  text.addEventListener("scroll", () => {
    following = atEnd();
    resume.hidden = following;
    state.textContent = following ? "" : "Paused";
    if (following && missed) {
      missed = false;
      fetchTail();
    }
  });
  resume.addEventListener("click", () => {
    following = true;
    toEnd();
    fetchTail();
  });
  toEnd();
}
