// The filter of the norms, by words and by group.

import { make, makeButton, setText } from "../view.js";
import { STATUSES, trimReason } from "./cards.js";

/** The controls of the filter; `onChange()` is called when it changes. */
export class Filter {
  #t;
  #off = new Set(); // statuses that are switched off
  #field = make("input", "");
  #status = make("p", "shown");
  #toggles;
  #all;

  constructor(t, onChange) {
    this.#t = t;
    this.#field.type = "search";
    this.#field.addEventListener("input", onChange);
    this.#status.setAttribute("role", "status");
    this.#toggles = STATUSES.map((status) => makeButton("toggle", () => this.#switch(status, onChange)));
    this.#all = makeButton("plain", () => this.#clear(onChange), t("results.show_all"));
    const toggles = make("div", "row", ...this.#toggles);
    toggles.setAttribute("role", "group");
    toggles.setAttribute("aria-label", t("results.groups"));
    this.element = make("div", "filter", make("label", "", t("results.filter"), this.#field), toggles,
      make("div", "row", this.#status, this.#all));
    this.element.setAttribute("role", "search");
  }

  /** Returns the groups as [status, norms] with the norms to show, and displays their number. */
  apply(groups) {
    const wanted = this.#field.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = groups.map(([status, norms]) => [status, this.#off.has(status) ? []
      : norms.filter((norm) => wanted.every((word) => joinSearchable(norm).includes(word)))]);
    this.#toggles.forEach((toggle, index) => this.#label(toggle, ...groups[index]));
    const [count, total] = [shown, groups].map((some) => some.flatMap(([, norms]) => norms).length);
    setText(this.#status, this.#t(count ? "results.shown" : "results.none", { count, total }));
    this.#all.hidden = count === total;
    return shown;
  }

  #label(toggle, status, norms) {
    setText(toggle, `${this.#t(`results.status.${status}`)} (${norms.length})`);
    toggle.setAttribute("aria-pressed", !this.#off.has(status));
    toggle.hidden = !norms.length;
  }

  #switch(status, onChange) {
    if (!this.#off.delete(status)) {
      this.#off.add(status);
    }
    onChange();
  }

  #clear(onChange) {
    this.#off.clear();
    this.#field.value = "";
    this.#field.focus(); // because the pressed button disappears
    onChange();
  }
}

function joinSearchable(norm) {
  return [norm.norm_name, norm.norm_id, trimReason(norm), norm.summary].join("\n").toLowerCase();
}
