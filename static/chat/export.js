// The results as files, generated from an analysis independently of the page.

import { formatConfidence, formatKind, groupNorms, parseAddress, trimReason } from "./cards.js";
import { formatDay } from "./dates.js";

const MARKUP = /[\\`*_{}[\]<>#|~&!$]/g;
const LEADING = /^(\d*)([-+=.)])/; // would start a list or underline a heading
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/; // spreadsheets would evaluate such a cell
const KEEP_MS = 10_000; // by then every browser has started the download

/** Formats the results and the facts they are based on as Markdown, with markup escaped. */
export function formatMarkdown(analysis, facts, t, now) {
  const line = (words) => escapeMarkdown(words);
  const heading = (level, words) => `${"#".repeat(level)} ${line(words)}`;
  const groups = groupNorms(analysis).filter(([, norms]) => norms.length);
  return `${[
    heading(1, t("export.heading")),
    line(t("export.made", { date: formatDay(now.toISOString().slice(0, 10), t) })),
    line(analysis.product_description),
    `**${line(analysis.disclaimer)}**`,
    ...groups.flatMap(([status, norms]) => [
      heading(2, `${t(`results.status.${status}`)} (${norms.length})`),
      ...norms.flatMap((norm) => [heading(3, norm.norm_name), ...formatNorm(norm, t)]),
    ]),
    heading(2, t("facts.heading")),
    facts.map((fact) => `- ${line(`${fact.label}: ${formatFact(fact, t)}`)}`).join("\n"),
    heading(2, t("results.percentages")),
    line(t("results.confidence_note")),
  ].filter(Boolean).join("\n\n")}\n`;
}

/** Formats a fact's value and source. */
export function formatFact({ value, words, source }, t) {
  return `${value === null ? t("facts.unknown") : words} (${t(`facts.source.${source}`)})`;
}

function formatNorm(norm, t) {
  const url = parseAddress(norm);
  return [
    escapeMarkdown(`${formatKind(norm, t)} ${norm.norm_id}, ${formatConfidence(norm, t)}`),
    escapeMarkdown(norm.summary),
    escapeMarkdown(trimReason(norm)),
    norm.note && escapeMarkdown(norm.note),
    [...norm.doubts.map((doubt) => `${t("results.not_certain")} ${doubt}`),
      ...norm.deadlines.map(({ date, what }) => `${formatDay(date, t)}: ${what}`)]
      .map((words) => `- ${escapeMarkdown(words)}`).join("\n"),
    url && `[${escapeMarkdown(t("results.read"))}](<${url}>)`,
  ].filter(Boolean);
}

function escapeMarkdown(words) {
  return String(words).replace(/\s+/g, " ").trim()
    .replace(MARKUP, "\\$&").replace(LEADING, "$1\\$2");
}

/**
 * Formats the norms as CSV (RFC 4180), one row each, with the date and the disclaimer. A byte order
 * mark marks it as UTF-8 for spreadsheets, which evaluate none of its cells.
 */
export function formatCsv(analysis, t, now = new Date()) {
  const columns = {
    status: ({ status }) => t(`results.status.${status}`),
    id: ({ norm_id: id }) => id,
    name: ({ norm_name: name }) => name,
    kind: (norm) => formatKind(norm, t),
    confidence: ({ confidence: percent }) => percent,
    reason: trimReason,
    doubts: ({ doubts }) => doubts.join("; "),
    open_facts: ({ open_facts: open }) => open.join("; "),
    deadlines: ({ deadlines }) => deadlines.map(({ date, what }) => `${date}: ${what}`).join("; "),
    summary: ({ summary }) => summary,
    note: ({ note }) => note,
    url: parseAddress,
    date: () => now.toISOString().slice(0, 10),
    disclaimer: () => analysis.disclaimer,
  };
  const rows = groupNorms(analysis).flatMap(([, norms]) => norms)
    .map((norm) => Object.values(columns).map((write) => write(norm)));
  const names = Object.keys(columns).map((name) => t(`export.columns.${name}`));
  return `\uFEFF${[names, ...rows].map((row) => `${row.map(formatCell).join(",")}\r\n`).join("")}`;
}

function formatCell(content) {
  const words = String(content);
  const safe = FORMULA.test(words) ? `'${words}` : words;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/** Downloads a text as a file. */
export function save(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type: `${type};charset=utf-8` }));
  // The link is in no document, so that scripts of an embedding page do not see the click.
  Object.assign(document.createElement("a"), { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), KEEP_MS);
}
