// Keys for the log, wherever on the page one is: / searches, g and G go to its ends, n and N from match to match.

const ROWS = { ArrowUp: -1, ArrowDown: 1 };
const WINDOWS = { PageUp: -0.9, PageDown: 0.9 };

export function bindKeys(log) {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const act = actions(log)[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  // The scroll bar may be scaled; keys are exact.
  log.scroller.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Home") log.toStart();
    else if (event.key === "End") log.toEnd();
    else {
      const rows = (ROWS[event.key] ?? 0) * log.view.rowHeight;
      const pixels = rows + (WINDOWS[event.key] ?? 0) * log.scroller.clientHeight;
      if (!pixels) return;
      log.view.by(pixels);
      log.follow(log.view.atEnd);
    }
    event.preventDefault();
  });
}

function actions(log) {
  return {
    "/": () => {
      log.search.input.focus();
      log.search.input.select();
    },
    g: () => log.toStart(),
    G: () => log.toEnd(),
    n: () => log.search.step(1),
    N: () => log.search.step(-1),
  };
}

function isTyping(target) {
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}
