// The facts understood about the product, each of which can be corrected.

import { make, makeButton, makeText, setChildren, setText } from "../view.js";
import { Editor } from "./editor.js";
import { keepFocus, makeUnseen, markEnglish } from "./parts.js";

/** Shows the facts; `onCorrect({name: value})` is called with a corrected fact. */
export class Facts {
  #t;
  #onCorrect;
  #rows = new Map(); // by the name of the fact
  #editing = null; // the row with the open editor, if any
  #busy = false;
  #title = make("span", "");
  #known = make("ul", "");
  #openTitle = make("span", "");
  #open = make("ul", "");
  #openFacts = make("details", "", make("summary", "", this.#openTitle), this.#open);

  constructor(t, { onCorrect }) {
    this.#t = t;
    this.#onCorrect = onCorrect;
    this.element = make("details", "facts", make("summary", "", this.#title),
      make("p", "hint", t("facts.hint")), this.#known, this.#openFacts);
    this.element.hidden = true;
  }

  /** Shows these facts; an open editor keeps its input, which cannot be applied while `busy`. */
  update({ facts, busy }) {
    this.#busy = Boolean(busy);
    this.element.hidden = !facts.length;
    if (this.element.hidden) {
      this.#stop(); // another conversation is shown, with other facts
    }
    this.#editing?.editor.wait(this.#busy);
    const known = facts.filter(({ value }) => value !== null);
    const open = facts.filter(({ value }) => value === null);
    setText(this.#title, this.#t("facts.title", { count: known.length, total: facts.length }));
    setText(this.#openTitle, this.#t("facts.still_open", { count: open.length }));
    this.#openFacts.hidden = !open.length;
    keepFocus(this.element, () => {
      this.#list(this.#known, known);
      this.#list(this.#open, open);
    });
  }

  #list(place, facts) {
    setChildren(place, facts.map((fact) => this.#row(fact).element));
  }

  #row(fact) {
    const row = this.#rows.get(fact.name) ?? new Row(this.#t, (chosen) => this.#edit(chosen));
    this.#rows.set(fact.name, row);
    row.show(fact);
    return row;
  }

  #edit(row) {
    this.#stop();
    this.#editing = row;
    row.open({
      apply: (value) => {
        this.#close();
        this.#onCorrect({ [row.fact.name]: value });
      },
      cancel: () => this.#close(),
    }, this.#busy);
  }

  #close() {
    this.#editing.correct.focus(); // because the editor that has it disappears
    this.#stop();
  }

  #stop() {
    this.#editing?.close();
    this.#editing = null;
  }
}

/** One fact with its button and, while it is being corrected, its editor. */
class Row {
  editor = null;
  #t;
  #label;
  #words;
  #source = make("span", "source");
  #of;

  constructor(t, edit) {
    this.#t = t;
    this.#label = markEnglish(makeText("span", "label", ""), t);
    this.#words = makeText("strong", "fact-words", "");
    this.#of = markEnglish(makeUnseen(""), t);
    this.correct = makeButton("plain", () => edit(this), t("facts.correct"), this.#of);
    this.correct.setAttribute("aria-expanded", "false");
    this.element = make("li", "fact", make("p", "row",
      make("span", "told", this.#label, " ", this.#words), this.#source, this.correct));
  }

  show(fact) {
    this.fact = fact;
    const known = fact.value !== null;
    setText(this.#label, fact.label);
    setText(this.#of, ` ${fact.label}`);
    setText(this.#words, known ? fact.words : this.#t("facts.unknown"));
    this.#words.lang = known ? "en" : this.#t.language;
    setText(this.#source, this.#t(`facts.source.${fact.source}`));
    this.element.dataset.source = fact.source;
  }

  open(acts, busy) {
    this.editor = new Editor(this.#t, this.fact, acts);
    this.editor.wait(busy);
    this.element.append(this.editor.element);
    this.correct.setAttribute("aria-expanded", "true");
    this.editor.focus();
  }

  close() {
    this.editor.element.remove();
    this.editor = null;
    this.correct.setAttribute("aria-expanded", "false");
  }
}
