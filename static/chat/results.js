// The results of an analysis: the norms in groups, their filter, and the exports.

import { make, makeButton, makeText, setChildren, setText } from "../view.js";
import { Card, groupNorms, STATUSES } from "./cards.js";
import { formatCsv, formatMarkdown, save } from "./export.js";
import { Filter } from "./filter.js";
import { keepFocus, markEnglish } from "./parts.js";
import { printResults } from "./print.js";

/** Shows an analysis. */
export class Results {
  #t;
  #analysis = null;
  #facts = [];
  #cards = new Map(); // by the id of the norm
  #description;
  #filter;
  #groups;
  #disclaimer;

  constructor(t) {
    this.#t = t;
    this.#description = markEnglish(makeText("p", "description", ""), t);
    this.#disclaimer = markEnglish(makeText("p", "hint", ""), t);
    this.#filter = new Filter(t, () => this.#arrange());
    this.#groups = STATUSES.map((status) => new Group(t, status));
    this.element = make("section", "results", this.#description, this.#makeTools(), this.#filter.element,
      make("div", "groups", ...this.#groups.map(({ element }) => element)),
      make("details", "meaning", make("summary", "", t("results.percentages")),
        make("p", "", t("results.confidence_note"))),
      this.#disclaimer);
    this.element.setAttribute("aria-label", t("results.title"));
    this.element.hidden = true;
  }

  /** Shows an analysis, or nothing for null; filters, open parts and focus are kept. */
  update({ analysis, facts }) {
    this.#analysis = analysis;
    this.#facts = facts;
    this.element.hidden = !analysis;
    if (analysis) {
      setText(this.#description, analysis.product_description);
      setText(this.#disclaimer, analysis.disclaimer);
      this.#arrange();
    }
  }

  #arrange() {
    const groups = groupNorms(this.#analysis);
    keepFocus(this.element, () => this.#filter.apply(groups).forEach(([, norms], index) => {
      this.#groups[index].show(norms.map((norm) => this.#findCard(norm)), groups[index][1].length);
    }));
  }

  #findCard(norm) {
    const card = this.#cards.get(norm.norm_id) ?? new Card(this.#t);
    this.#cards.set(norm.norm_id, card);
    card.update(norm);
    return card.element;
  }

  #makeTools() {
    const t = this.#t;
    const file = (type, ending, content) => makeButton("", () => {
      const now = new Date();
      save(`${t("export.file")}-${now.toISOString().slice(0, 10)}.${ending}`, type, content(now));
    }, t(`export.${ending}`));
    const tools = make("div", "tools row",
      makeButton("", () => printResults(this.#analysis, this.#facts, t), t("export.print")),
      file("text/markdown", "md", (now) => formatMarkdown(this.#analysis, this.#facts, t, now)),
      file("text/csv", "csv", (now) => formatCsv(this.#analysis, t, now)));
    tools.setAttribute("role", "group");
    tools.setAttribute("aria-label", t("export.title"));
    return tools;
  }
}

/** The norms of one status; those that do not apply are collapsed at first. */
class Group {
  #t;
  #status;
  #heading = make("h3", "");
  #list = make("ul", "norms");

  constructor(t, status) {
    this.#t = t;
    this.#status = status;
    const folded = status === "does_not_apply";
    const hint = t.has(`results.hints.${status}`) && make("p", "hint", t(`results.hints.${status}`));
    this.element = make(folded ? "details" : "section", `group ${status}`,
      folded ? make("summary", "", this.#heading) : this.#heading, hint, this.#list);
  }

  show(cards, total) {
    const t = this.#t;
    const count = cards.length === total ? total : t("results.some", { count: cards.length, total });
    setText(this.#heading, `${t(`results.status.${this.#status}`)} (${count})`);
    this.element.hidden = !cards.length;
    setChildren(this.#list, cards);
  }
}
