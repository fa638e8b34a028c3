import { made } from "./dom.js";

// Viridis: even steps of lightness, also for people who see few hues. The best values stand out from either background.
const VIRIDIS = [[68, 1, 84], [72, 40, 120], [62, 74, 137], [49, 104, 142], [38, 130, 142], [31, 158, 137], [53, 183, 121], [110, 206, 88], [181, 222, 43], [253, 231, 37]];
const RANGE = { light: [0.9, 0], dark: [0.12, 1] };

export function colorOf(goodness) {
  const [worst, best] = RANGE[document.documentElement.dataset.bsTheme] ?? RANGE.light;
  const place = (worst + (best - worst) * Math.min(Math.max(goodness, 0), 1)) * (VIRIDIS.length - 1);
  const index = Math.min(Math.floor(place), VIRIDIS.length - 2);
  const mixed = VIRIDIS[index].map((part, channel) => Math.round(part + (VIRIDIS[index + 1][channel] - part) * (place - index)));
  return `rgb(${mixed.join(", ")})`;
}

// A bar of all colours, the worst on the left.
export function colorKey() {
  const key = made("span", { className: "color-key" });
  key.style.background = `linear-gradient(to right, ${Array.from({ length: 11 }, (_, index) => colorOf(index / 10)).join(",")})`;
  return key;
}
