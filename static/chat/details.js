// What is shown beside the talk once there is something to show: the facts and the results.

import { make } from "../view.js";
import { Facts } from "./facts.js";
import { Results } from "./results.js";
import { isSending } from "./state.js";

/** The facts and the results; `onCorrect({name: value})` is called with a fact that was corrected. */
export class Details {
  #facts;
  #results;
  element;

  constructor(t, onCorrect) {
    this.#facts = new Facts(t, { onCorrect });
    this.#results = new Results(t);
    this.#results.element.tabIndex = -1;
    this.element = make("section", "found", this.#facts.element, this.#results.element);
    this.element.ariaLabel = t("analysis.title");
  }

  /** Shows what is known in this state. */
  update(state) {
    const { conversation } = state;
    const facts = conversation?.facts ?? [];
    this.#facts.update({ facts, busy: isSending(state) });
    this.#results.update({ analysis: conversation?.analyzed ? conversation : null, facts });
  }

  /** Leads to the results. */
  lead() {
    this.#results.element.focus({ preventScroll: true });
    this.#results.element.scrollIntoView({ block: "start" });
  }
}
