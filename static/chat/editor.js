// The editor of one fact: yes, no or not known; a number with its unit; a date.

import { make, makeButton, makeText, setText } from "../view.js";
import { markEnglish } from "./parts.js";

const MOST = 1e15; // more digits would be meaningless
const VALUES = { yes: true, no: false, unknown: null };
let editors = 0;

/** An editor of a fact; `apply(value)` gets the entered value, null for "not known". */
export class Editor {
  #t;
  #fact;
  #apply;
  #id = `fact-${editors += 1}`;
  #trouble = make("p", "trouble");
  #button;
  #field = null; // none for a yes/no fact
  #choices = {}; // by the names of VALUES

  constructor(t, fact, { apply, cancel }) {
    this.#t = t;
    this.#fact = fact;
    this.#apply = apply;
    this.#trouble.id = this.#id;
    this.#trouble.setAttribute("role", "alert");
    this.#button = make("button", "", t("facts.apply"));
    this.element = make("form", "editor", fact.kind === "bool" ? this.#makeFlag() : this.#makeEntry(),
      this.#trouble, make("div", "row", this.#button, makeButton("plain", cancel, t("facts.cancel"))));
    this.element.noValidate = true; // our messages are more specific than the browser's
    this.element.addEventListener("submit", (event) => this.#submit(event));
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) {
        event.stopPropagation(); // an enclosing dialog stays open
        cancel();
      }
    });
  }

  /** Prevents the value from being applied while the server is busy. */
  wait(busy) {
    this.#button.setAttribute("aria-disabled", busy);
    if (!busy && this.#trouble.textContent === this.#t("facts.busy")) {
      this.#complain("");
    }
  }

  /** Focuses the input. */
  focus() {
    const choices = Object.values(this.#choices);
    (this.#field ?? choices.find(({ checked }) => checked) ?? choices[0]).focus();
    this.#field?.select();
  }

  #makeFlag() {
    const { value, label } = this.#fact;
    const choices = Object.keys(VALUES).map((name) => this.#makeChoice("radio", name));
    Object.entries(VALUES).forEach(([name, meant]) => {
      this.#choices[name].checked = value === meant;
    });
    return make("fieldset", "row", markEnglish(makeText("legend", "", label), this.#t), ...choices);
  }

  #makeEntry() {
    const { kind, value, label, unit } = this.#fact;
    const field = make("input", "");
    this.#field = field;
    Object.assign(field, kind === "date" ? { type: "date", value: value ?? "" }
      : { inputMode: "decimal", size: 10, value: value === null ? "" : formatLocal(value, this.#t) });
    field.autocomplete = "off";
    field.setAttribute("aria-describedby", this.#id);
    const choice = this.#makeChoice("checkbox", "unknown");
    field.addEventListener("input", () => { this.#choices.unknown.checked = false; });
    return make("div", "row", make("label", "",
      markEnglish(makeText("span", "", unit ? `${label} (${unit})` : label), this.#t), field), choice);
  }

  #makeChoice(type, name) {
    const input = make("input", "");
    Object.assign(input, { type, name: `${this.#id}-value` });
    this.#choices[name] = input;
    return make("label", "choice", input, this.#t(`facts.${name}`));
  }

  #submit(event) {
    event.preventDefault();
    if (this.#button.getAttribute("aria-disabled") === "true") {
      this.#complain("facts.busy");
      return;
    }
    const value = this.#readValue();
    if (value === undefined) {
      this.#complain(`facts.wrong_${this.#fact.kind}`);
      (this.#field ?? this.#choices.yes).focus();
    } else {
      this.#apply(value);
    }
  }

  /** The entered value; undefined if it is invalid. */
  #readValue() {
    const chosen = Object.keys(this.#choices).find((name) => this.#choices[name].checked);
    if (chosen) {
      return VALUES[chosen];
    }
    return this.#fact.kind === "number" ? parseNumber(this.#field.value, this.#t)
      : this.#field?.value || undefined;
  }

  #complain(name) {
    setText(this.#trouble, name && this.#t(name));
    this.#field?.setAttribute("aria-invalid", name.startsWith("facts.wrong"));
  }
}

function formatLocal(value, t) {
  return value.toLocaleString(t.language, { useGrouping: false, maximumFractionDigits: 6 });
}

/** Parses a number in the language's notation; undefined if it is none, or below 0. */
function parseNumber(words, t) {
  const point = formatLocal(1.5, t).charAt(1);
  const comma = point === "." ? "," : ".";
  const thousands = new RegExp(`^[1-9]\\d{0,2}(?:[${comma}]\\d{3})+(?:[${point}]\\d+)?$`);
  const dense = words.replace(/\s/g, "");
  const plain = thousands.test(dense) ? dense.replaceAll(comma, "") : dense;
  const value = /^\d+(?:[.,]\d+)?$/.test(plain) ? Number(plain.replace(",", ".")) : NaN;
  return value < MOST ? value : undefined;
}
