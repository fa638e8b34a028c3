// Saves a chart as PNG, SVG or CSV. A chart gives `offerDownloads` the menu of its card and a source:
// name() of the file, heading() of the picture, picture() an SVG element, rows() with the header first.

import { node } from "./svg.js";

const SCALE = 2;
const HEAD_PX = 40;
const SIDE_PX = 16;
const FONT = "Inter, system-ui, sans-serif";
// What a stylesheet may have given; outside of the page there is none.
const STYLES = [
  "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width", "stroke-dasharray", "stroke-linecap",
  "stroke-linejoin", "opacity", "font-size", "font-weight", "text-anchor", "dominant-baseline",
  "paint-order",
];
const ATTRIBUTES = ["class", "tabindex", "role", "aria-label", "aria-describedby", "data-key"];

function save(content, type, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

function cell(value) {
  if (value === null || value === undefined) return "";
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

// A copy of the SVG that looks the same without the page: computed styles as attributes, a background, a heading.
function standalone(svg, heading) {
  const copy = svg.cloneNode(true);
  const copies = [copy, ...copy.querySelectorAll("*")];
  [svg, ...svg.querySelectorAll("*")].forEach((element, index) => {
    const style = getComputedStyle(element);
    for (const name of STYLES) copies[index].setAttribute(name, style.getPropertyValue(name));
    for (const name of ATTRIBUTES) copies[index].removeAttribute(name);
    if (element.matches("[data-screen-only]")) copies[index].dataset.drop = "";
  });
  for (const element of copy.querySelectorAll("[data-drop]")) element.remove();

  const { backgroundColor: background, color } = getComputedStyle(svg.closest(".card"));
  const { width, height } = svg.viewBox.baseVal;
  const [outerWidth, outerHeight] = [width + 2 * SIDE_PX, height + HEAD_PX + SIDE_PX];
  const title = node("text", { x: 0, y: 10 - HEAD_PX / 2, fill: color, "font-size": 15, "font-weight": 600 }, heading);
  const ground = node("rect", { x: -SIDE_PX, y: -HEAD_PX, width: outerWidth, height: outerHeight, fill: background });
  copy.prepend(ground, title);
  copy.setAttribute("font-family", FONT);
  copy.setAttribute("width", outerWidth);
  copy.setAttribute("height", outerHeight);
  copy.setAttribute("viewBox", `${-SIDE_PX} ${-HEAD_PX} ${outerWidth} ${outerHeight}`);
  return { text: new XMLSerializer().serializeToString(copy), width: outerWidth, height: outerHeight };
}

async function png(source) {
  const { text, width, height } = standalone(source.picture(), source.heading());
  const image = new Image(width * SCALE, height * SCALE);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = Object.assign(document.createElement("canvas"), { width: image.width, height: image.height });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => save(blob, "image/png", `${source.name()}.png`), "image/png");
}

const SAVES = {
  png,
  svg: (source) => save(standalone(source.picture(), source.heading()).text, "image/svg+xml", `${source.name()}.svg`),
  csv: (source) => save(`${source.rows().map((row) => row.map(cell).join(",")).join("\n")}\n`, "text/csv", `${source.name()}.csv`),
};

export function offerDownloads(menu, source) {
  menu.addEventListener("click", (event) => {
    const kind = event.target.closest("[data-download]")?.dataset.download;
    if (!kind) return;
    SAVES[kind](source);
    menu.open = false;
    menu.querySelector("summary").focus();
  });
}
