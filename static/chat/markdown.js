// Parses the subset of Markdown that answers use, and renders it with elements of an allow-list;
// everything else, including HTML, stays text.
//
// It takes linear time for any text. Each line is classified once and scanned once for marks: an
// unclosed label, address or piece of code stops where the next one could begin, so nothing is scanned
// from several starts. A closing mark needs no search, because only the latest opener of its kind
// counts, and what it wraps leaves the list, so nothing is moved twice. Nesting is one level deep.

const MARKS = /(\*+)|`([^`\n]+)`|\[([^[\]\n]+)\]\((https?:\/\/[^\s()<>[\]]+)\)/gi;
const ITEM = /^ {0,3}(?:[-*+•]|(\d{1,9})[.)])[ \t]+(\S.*)$/;
const HEADING = /^ {0,3}#{1,6}[ \t]+(\S.*)$/;
const KINDS = { "*": "emphasis", "**": "strong" };
const TAGS = {
  paragraph: "p", bullets: "ul", numbers: "ol", item: "li", strong: "strong", emphasis: "em",
  code: "code", link: "a", break: "br",
};
const BLOCKS = ["paragraph", "bullets", "numbers"];

/**
 * Parses a text into blocks: `{type, children}` with type "paragraph", "bullets" or "numbers",
 * which has a `start`; both lists hold "item"s. They contain strings, "break", "strong",
 * "emphasis", "code" and "link" with its `href`. A heading is a paragraph in bold.
 */
export function parse(text) {
  const blocks = [];
  let open = null; // the paragraph or item that the next line continues
  for (const line of String(text).split(/\r\n?|\n/)) {
    const [, heading] = HEADING.exec(line) ?? [];
    const [isItem, number, words] = ITEM.exec(line) ?? [];
    if (!line.trim()) {
      open = null;
    } else if (isItem) {
      open = { type: "item", lines: [words] };
      findList(number, blocks).push(open);
    } else if (heading) {
      blocks.push({ type: "paragraph", heading: true, lines: [heading] });
      open = null;
    } else if (open && (open.type === "paragraph" || /^\s/.test(line))) {
      open.lines.push(line);
    } else {
      open = { type: "paragraph", lines: [line] };
      blocks.push(open);
    }
  }
  return blocks.map(finishBlock);
}

/** Renders a text as nodes. */
export function render(text) {
  return parse(text).map(showNode);
}

function findList(number, blocks) {
  const type = number ? "numbers" : "bullets";
  if (blocks.at(-1)?.type !== type) {
    blocks.push({ type, ...(number && { start: Number(number) }), children: [] });
  }
  return blocks.at(-1).children;
}

function finishBlock({ lines, heading, ...block }) {
  if (!lines) {
    return { ...block, children: block.children.map(finishBlock) };
  }
  const children = parseInline(lines.map((line) => line.trim()).join("\n"));
  return { ...block, children: heading ? [{ type: "strong", children }] : children };
}

function parseInline(text) {
  const found = [];
  const openers = {}; // index in `found` of the latest opener of each kind
  let done = 0;
  const say = (words) => words.split("\n").forEach((line, index) => {
    found.push(...(index ? [{ type: "break" }] : []), ...(line ? [line] : []));
  });
  for (const mark of text.matchAll(MARKS)) {
    const [whole, stars, code, label, href] = mark;
    say(text.slice(done, mark.index));
    done = mark.index + whole.length;
    if (href) {
      found.push({ type: "link", href, children: [label] });
    } else if (code) {
      found.push({ type: "code", children: [code] });
    } else if (!canEnd(stars, text, mark.index) || !wrapMark(stars, found, openers)) {
      if (canBegin(stars, text, mark.index)) {
        openers[stars] = found.length;
      }
      found.push(whole);
    }
  }
  say(text.slice(done));
  return found;
}

/** Wraps everything since the opener of a mark; false without an opener. */
function wrapMark(stars, found, openers) {
  const from = openers[stars] ?? found.length;
  if (found.length - from < 2) {
    return false;
  }
  const children = found.splice(from).slice(1);
  found.push({ type: KINDS[stars], children });
  Object.keys(openers).filter((kind) => openers[kind] >= from).forEach((kind) => delete openers[kind]);
  return true;
}

// A mark stands at the edge of a word: "2 * 3", "2*3*4" and "a**b" contain none.
const isWord = (letter) => /[\p{L}\p{N}_]/u.test(letter);

function canBegin(stars, text, at) {
  return stars in KINDS && !isWord(text.charAt(at - 1)) && text.charAt(at + stars.length).trim();
}

function canEnd(stars, text, at) {
  return text.charAt(at - 1).trim() && !isWord(text.charAt(at + stars.length));
}

function showNode(node) {
  if (typeof node === "string") {
    return document.createTextNode(node);
  }
  const element = document.createElement(TAGS[node.type]);
  (node.children ?? []).forEach((child) => element.append(showNode(child)));
  if (BLOCKS.includes(node.type)) {
    element.dir = "auto";
  }
  if (node.type === "numbers") {
    element.start = node.start;
  }
  if (node.type === "link") {
    Object.assign(element, { href: node.href, target: "_blank", rel: "noopener noreferrer" });
  }
  return element;
}
