// One norm as a card, and what screen, paper and files have in common about norms.

import { make, makeText } from "../view.js";
import { formatDay } from "./dates.js";
import { makeUnseen, markEnglish } from "./parts.js";

export const STATUSES = ["applies", "to_be_checked", "watch", "does_not_apply"];
const DECIDED = 50; // no decided norm has less, no open one this much
const FIRM = 90;

/** The norms of an analysis as [status, norms], best first: what applies in the server's order. */
export function groupNorms({ matched_norms: matched, all_norm_results: all }) {
  return STATUSES.map((status) => [status, status === "applies" ? matched
    : all.filter((norm) => norm.status === status).sort((a, b) => b.confidence - a.confidence)]);
}

/** Why a norm has its status, without the doubts, which are shown separately. */
export function trimReason({ reasoning, doubts }) {
  return doubts.reduce((left, doubt) => left.replace(`Not certain: ${doubt}`, ""), reasoning).trim();
}

/** The percentage with a word for the certainty of the result. */
export function formatConfidence({ confidence: percent }, t) {
  const word = percent >= FIRM ? "firm" : percent >= DECIDED ? "reserved" : "open";
  return `${percent} %, ${t(`results.${word}`)}`;
}

/** Whether it is a regulation, a directive or a standard. */
export function formatKind({ kind: name }, t) {
  return t.has(`results.kinds.${name}`) ? t(`results.kinds.${name}`) : name;
}

/** The address of a norm's web page, or "". */
export function parseAddress({ url }) {
  return /^https?:\/\//i.test(url) && URL.canParse(url) ? new URL(url).href : "";
}

/** A norm's card; its parts are made once, so that open and focused elements stay so. */
export class Card {
  constructor(t, open = false) {
    this.t = t;
    this.parts = Object.fromEntries(
      [["h4", "name"], ["span", "id"], ["p", "summary"], ["p", "reason"], ["p", "note"]]
        .map(([tag, name]) => [name, markEnglish(makeText(tag, name, ""), t)]));
    [["span", "kind"], ["span", "confidence"], ["ul", "doubts"], ["ul", "deadlines"], ["a", "link"]]
      .forEach(([tag, name]) => { this.parts[name] = make(tag, name); });
    const { name, id, summary, reason: why, note, kind: sort, confidence: firm, doubts, deadlines, link } = this.parts;
    this.names = [makeUnseen(""), makeUnseen("")];
    this.more = make("details", "more", make("summary", "", t("results.note"), this.names[0]), note);
    this.more.open = open;
    link.append(t("results.read"), this.names[1]);
    Object.assign(link, { target: "_blank", rel: "noopener noreferrer" });
    this.element = make("li", "card", name, make("p", "meta", sort, " ", id, " ", firm),
      summary, why, doubts, deadlines, this.more, link);
  }

  /** Shows a norm; the same one again changes nothing. */
  update(norm) {
    const shown = JSON.stringify(norm);
    if (shown !== this.shown) {
      this.shown = shown;
      this.#show(norm);
    }
  }

  #show(norm) {
    const { t, parts } = this;
    const words = (content) => markEnglish(makeText("span", "", content), t);
    Object.entries({
      name: norm.norm_name, id: norm.norm_id, kind: formatKind(norm, t), confidence: formatConfidence(norm, t),
      summary: norm.summary, reason: trimReason(norm), note: norm.note,
    }).forEach(([name, content]) => { parts[name].textContent = content; });
    parts.doubts.replaceChildren(...norm.doubts.map((doubt) =>
      make("li", "", `${t("results.not_certain")} `, words(doubt))));
    parts.deadlines.replaceChildren(...norm.deadlines.map(({ date, what }) =>
      make("li", "", makeTime(date, t), ": ", words(what))));
    this.names.forEach((place) => place.replaceChildren(" ", words(norm.norm_name)));
    parts.link.href = parseAddress(norm);
    parts.doubts.hidden = !norm.doubts.length;
    parts.deadlines.hidden = !norm.deadlines.length;
    this.more.hidden = !norm.note;
    parts.link.hidden = !parseAddress(norm);
  }
}

function makeTime(date, t) {
  const element = make("time", "", formatDay(date, t));
  element.dateTime = date;
  return element;
}
