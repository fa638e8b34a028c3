// Light or dark: what the person chose, else what the system says. Runs before the first paint, so it is no module.
(() => {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const chosen = () => {
    try { return localStorage.getItem("theme"); } catch { return null; }
  };
  let onPaper = false;
  const apply = (theme = chosen()) => {
    document.documentElement.dataset.bsTheme = onPaper ? "light" : theme || (system.matches ? "dark" : "light");
    document.dispatchEvent(new CustomEvent("theme:changed"));
  };
  apply();
  system.addEventListener("change", () => apply());
  addEventListener("storage", () => apply());
  const print = (isPrinting) => {
    onPaper = isPrinting;
    apply();
  };
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  // An empty theme is the system's.
  const choose = (theme) => {
    try {
      if (theme) localStorage.setItem("theme", theme);
      else localStorage.removeItem("theme");
    } catch { /* storage is off: the choice lasts for this page */ }
    apply(theme);
  };
  const showChoice = () => {
    for (const radio of document.querySelectorAll("[data-theme-choice] input")) radio.checked = radio.value === (chosen() ?? "");
  };
  addEventListener("DOMContentLoaded", () => {
    for (const part of document.querySelectorAll("[data-theme-switch], [data-theme-choice]")) part.hidden = false;
    showChoice();
  });
  document.addEventListener("theme:changed", showChoice);
  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-theme-choice]")) choose(event.target.value);
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-switch]")) return;
    choose(document.documentElement.dataset.bsTheme === "dark" ? "light" : "dark");
  });
})();
