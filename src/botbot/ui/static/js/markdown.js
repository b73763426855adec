// Markdown as the server draws it (ui/markdown.py), rebuilt from elements: text is only ever set as text, and of links
// only http(s) ones become links. Whatever is not known here stays the text it is.

const INLINE = /\\([\\`*_[\]()#+.!>~-])|(`+)(.+?)\2(?!`)|\*\*\*(.+?)\*\*\*|\*\*(.+?)\*\*|__(.+?)__|\*([^\s*](?:[^*]*[^\s*])?)\*|(?<![\p{L}\p{N}])_([^\s_](?:[^_]*[^\s_])?)_(?![\p{L}\p{N}])|\[([^\]]+)\]\((https?:\/\/[^\s()]+)\)|<(https?:\/\/[^\s<>]+)>/gu;
const ITEM = /^ {0,3}([-*+]|\d{1,9}[.)])\s+/;
const FENCE = /^ {0,3}(`{3,}|~{3,})/;
const DEEPEST = 6;

const element = (name, ...children) => {
  const made = document.createElement(name);
  made.append(...children);
  return made;
};

function link(address, ...children) {
  return Object.assign(element("a", ...children), { href: address, rel: "nofollow noopener" });
}

// What a match stands for: `depth` ends what would nest for ever.
function piece(found, depth) {
  const [, escaped, , code, both, bold, under, em, low, words, address, bare] = found;
  const inside = (text) => inline(text, depth + 1);
  if (escaped) return escaped;
  if (code !== undefined) return element("code", code.trim() || code);
  if (both) return element("em", element("strong", ...inside(both)));
  if (bold || under) return element("strong", ...inside(bold || under));
  if (em || low) return element("em", ...inside(em || low));
  return link(address ?? bare, ...(words ? inside(words) : [bare]));
}

function inline(text, depth = 0) {
  if (depth > DEEPEST) return [text];
  const made = [];
  let from = 0;
  for (const found of text.matchAll(INLINE)) {
    made.push(text.slice(from, found.index), piece(found, depth));
    from = found.index + found[0].length;
  }
  return [...made, text.slice(from)].filter((each) => each !== "");
}

const broken = (lines) => lines.flatMap((line, n) => (n ? [element("br"), ...inline(line.trim())] : inline(line.trim())));

// Lines from `start` for as long as `belongs` says so.
function run(lines, start, belongs) {
  let end = start + 1;
  while (end < lines.length && belongs(lines[end])) end += 1;
  return lines.slice(start, end);
}

function list(lines) {
  const items = [];
  for (const line of lines) {
    if (ITEM.test(line)) items.push([line.replace(ITEM, "")]);
    else items.at(-1).push(line.trim());
  }
  const number = Number.parseInt(lines[0].trim(), 10);
  const made = element(Number.isNaN(number) ? "ul" : "ol", ...items.map((each) => element("li", ...broken(each))));
  return made;
}

function fenced(lines, start) {
  const mark = FENCE.exec(lines[start])[1];
  const taken = run(lines, start, (line) => !line.trim().startsWith(mark));
  const isClosed = start + taken.length < lines.length;
  return [element("pre", element("code", ...taken.slice(1).map((line) => `${line}\n`))), taken.length + (isClosed ? 1 : 0)];
}

const isPlain = (line) => line.trim() && !FENCE.test(line) && !/^ {0,3}(>|#{1,6}\s)/.test(line) && !ITEM.test(line);

// The block that begins on line `start`, and how many lines it takes.
function block(lines, start, depth) {
  const line = lines[start];
  if (FENCE.test(line)) return fenced(lines, start);
  if (/^ {0,3}([-*_])( *\1){2,} *$/.test(line)) return [null, 1];
  if (/^ {0,3}#{1,6}\s/.test(line)) return [element("p", ...inline(line.replace(/^ {0,3}#{1,6}\s+|\s+#+\s*$/g, ""))), 1];
  if (/^ {0,3}>/.test(line) && depth < DEEPEST) {
    const taken = run(lines, start, (each) => /^ {0,3}>/.test(each));
    return [element("blockquote", ...blocks(taken.map((each) => each.replace(/^ {0,3}> ?/, "")), depth + 1)), taken.length];
  }
  if (ITEM.test(line)) {
    const taken = run(lines, start, (each) => ITEM.test(each) || /^\s{2,}\S/.test(each));
    return [list(taken), taken.length];
  }
  const taken = run(lines, start, isPlain);
  return [element("p", ...broken(taken)), taken.length];
}

function blocks(lines, depth = 0) {
  const made = [];
  for (let at = 0; at < lines.length; ) {
    if (!lines[at].trim()) { at += 1; continue; }
    const [node, taken] = block(lines, at, depth);
    if (node) made.push(node);
    at += taken;
  }
  return made;
}

// The elements of a text.
export function formatted(text) {
  return blocks(text.replaceAll("\r\n", "\n").trim().split("\n"));
}

// A text that is still growing: emphasis that has begun is drawn as such, so that no asterisk blinks up and goes again.
export function settled(text) {
  const rest = text.replace(/(\*+|_+|`+)$/, "");
  const last = rest.slice(rest.lastIndexOf("\n") + 1);
  for (const mark of ["**", "*", "`"]) {
    const plain = mark === "*" ? last.replaceAll("**", "").replace(ITEM, "") : last;
    const count = plain.split(mark).length - 1;
    if (count % 2 && !/\s$/.test(plain.slice(plain.lastIndexOf(mark) + mark.length, plain.lastIndexOf(mark) + mark.length + 1))) {
      return rest.trimEnd() + mark;
    }
  }
  return rest;
}

// Puts a grown text in place of what was drawn of it, leaving alone what is the same: a selection there survives.
export function draw(into, text) {
  const fresh = formatted(text);
  fresh.forEach((node, n) => {
    const old = into.childNodes[n];
    if (!old) into.append(node);
    else if (!old.isEqualNode(node)) old.replaceWith(node);
  });
  while (into.childNodes.length > fresh.length) into.lastChild.remove();
}
