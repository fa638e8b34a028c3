// What can come next in a query, at the caret. A field is {name, operators, values}; values are written as in a query.

const TOKEN = /\s+|"(?:\\.|[^"\\])*"?|'(?:\\.|[^'\\])*'?|[<>!]=?|[=(),]|[^\s"'()<>=!,]+(?:"(?:\\.|[^"\\])*"(?:\.\w+)?|'(?:\\.|[^'\\])*'(?:\.\w+)?)?/g;
const MAX_SHOWN = 12;
const JOINERS = ["and", "or"];

const isWord = (token) => !/^([<>=!]=?|[(),])$/.test(token);
const isOpen = (token) => /^(["'])/.test(token) && !/^(["'])(\\.|(?!\1)[^\\])*\1$/s.test(token);

// The parts of the grammar, each with what follows it after a token; null where nothing is known.
const GRAMMAR = {
  field: (token) => (token === "(" || /^not$/i.test(token) ? "field" : isWord(token) ? "operator" : null),
  operator: (token) => (/^in$/i.test(token) ? "list" : "value"),
  list: (token) => (token === "(" ? "item" : null),
  value: (token) => (isWord(token) ? "joiner" : null),
  item: (token) => (isWord(token) ? "comma" : null),
  comma: (token) => ({ ",": "item", ")": "joiner" })[token] ?? null,
  joiner: (token) => (token === ")" ? "joiner" : JOINERS.includes(token.toLowerCase()) ? "field" : null),
};

// {from, kind, options}: what to put in place of the text from there to the caret; null if there is nothing to say.
export function completion(before, fields) {
  const tokens = before.match(TOKEN) ?? [];
  const last = tokens.at(-1) ?? "";
  const typed = last && !/^\s/.test(last) && (isWord(last) || last === "!") ? tokens.pop() : "";
  let part = "field";
  let name = "";
  for (const token of tokens) {
    if (/^\s/.test(token)) continue;
    if (part === "field") name = token;
    part = GRAMMAR[part]?.(token) ?? null;
  }
  const all = known(part, fields, name);
  if (!all || (/^["']/.test(typed) && !isOpen(typed))) return null;
  const options = matching(all, typed.replace(/^["']/, "").toLowerCase());
  return options.length ? { from: before.length - typed.length, kind: part, options } : null;
}

function known(part, fields, name) {
  const field = fields.find((one) => one.name === name);
  return {
    field: fields.map((one) => one.name),
    operator: field?.operators,
    list: ["("],
    value: field?.values,
    item: field?.values,
    joiner: JOINERS,
  }[part];
}

// What begins with it comes first.
function matching(all, wanted) {
  const plain = (option) => option.replace(/^"/, "").toLowerCase();
  const found = all.filter((option) => plain(option).includes(wanted) && option.toLowerCase() !== wanted);
  return found.sort((a, b) => plain(b).startsWith(wanted) - plain(a).startsWith(wanted)).slice(0, MAX_SHOWN);
}
