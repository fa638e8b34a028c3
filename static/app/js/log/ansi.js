// Text with terminal colours (SGR sequences) as pieces with classes; every other escape sequence is dropped.

// The same as experiments/terminal.py; group 1 has the parameters of an SGR sequence.
const CODE = /\x1b\[([0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b\n]*(?:\x07|\x1b\\)|\x1b[@-_]|[\x00-\x08\x0b-\x1f\x7f]/g;
const ON = { 1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike" };
const OFF = { 21: ["underline"], 22: ["bold", "dim"], 23: ["italic"], 24: ["underline"], 27: ["inverse"], 29: ["strike"] };
// The levels of each of red, green and blue in the colours 16 to 231.
const CUBE = [0, 95, 135, 175, 215, 255];

// [{ text, style }, …]; style is null where there is none.
export function pieces(text) {
  if (!text.includes("\x1b")) return [{ text: text.replace(CODE, ""), style: null }];
  const found = [];
  let style = { flags: new Set(), foreground: null, background: null };
  let from = 0;
  const add = (to) => {
    if (to > from) found.push({ text: text.slice(from, to), style: frozen(style) });
  };
  for (const match of text.matchAll(CODE)) {
    add(match.index);
    from = match.index + match[0].length;
    if (match[1] !== undefined) style = restyled(style, match[1]);
  }
  add(text.length);
  return found;
}

export function plain(text) {
  return text.replace(CODE, "");
}

// An element for a piece; text is only ever set as text.
export function element(text, style) {
  const span = document.createElement("span");
  span.textContent = text;
  if (!style) return span;
  span.className = style.classes.join(" ");
  // Set through the CSSOM, which the page's policy allows.
  if (style.foreground) span.style.setProperty("--ansi-rgb", style.foreground);
  if (style.background) span.style.setProperty("--ansi-rgb-bg", style.background);
  return span;
}

function frozen({ flags, foreground, background }) {
  if (!flags.size && foreground === null && background === null) return null;
  const classes = [...flags].map((flag) => `ansi-${flag}`);
  const named = (color, kind) => {
    if (color === null) return null;
    classes.push(typeof color === "number" ? `ansi-${kind}-${color}` : `ansi-${kind}-rgb`);
    return typeof color === "number" ? null : color;
  };
  return { classes, foreground: named(foreground, "fg"), background: named(background, "bg") };
}

function restyled(style, parameters) {
  const next = { ...style, flags: new Set(style.flags) };
  const codes = parameters.split(";");
  while (codes.length) {
    const [first, ...rest] = codes.shift().split(":");
    const code = Number(first || 0);
    if (code === 0) Object.assign(next, { flags: new Set(), foreground: null, background: null });
    else if (code === 4 && rest[0] === "0") next.flags.delete("underline");
    else if (ON[code]) next.flags.add(ON[code]);
    else if (OFF[code]) OFF[code].forEach((flag) => next.flags.delete(flag));
    else if (code === 38 || code === 48) next[code === 38 ? "foreground" : "background"] = extended(rest, codes);
    else if (code === 39) next.foreground = null;
    else if (code === 49) next.background = null;
    else setNamed(next, code);
  }
  return next;
}

function setNamed(style, code) {
  if (code >= 30 && code <= 37) style.foreground = code - 30;
  else if (code >= 40 && code <= 47) style.background = code - 40;
  else if (code >= 90 && code <= 97) style.foreground = code - 82;
  else if (code >= 100 && code <= 107) style.background = code - 92;
}

// 38;5;n and 38;2;r;g;b, or the same with colons, where a colour space may stand before the red.
function extended(rest, codes) {
  const given = rest.length ? rest : codes.splice(0, codes[0] === "2" ? 4 : 2);
  const [kind, ...values] = given.map((value) => Math.min(255, Number(value || 0)));
  if (kind === 5) return indexed(values[0] ?? 0);
  if (kind !== 2) return null;
  const [red = 0, green = 0, blue = 0] = values.slice(rest.length > 4 ? 1 : 0);
  return `rgb(${red} ${green} ${blue})`;
}

function indexed(index) {
  if (index < 16) return index;
  if (index > 231) return `rgb(${Array(3).fill(8 + (index - 232) * 10).join(" ")})`;
  const at = index - 16;
  return `rgb(${[Math.floor(at / 36), Math.floor(at / 6) % 6, at % 6].map((level) => CUBE[level]).join(" ")})`;
}
