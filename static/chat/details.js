// What is shown once there is something to show: how far the analysis is, the facts, the results.

import { make } from "../view.js";
import { Facts } from "./facts.js";
import { Progress } from "./progress.js";
import { Results } from "./results.js";
import { isSending } from "./state.js";

/**
 * These parts; `act.analyze()` starts the analysis, `act.correct({name: value})` corrects a fact, and
 * `act.said(error)` words a refusal. `progress` stands with the messages, `element` beside them.
 */
export class Details {
  #progress;
  #facts;
  #results;
  element;

  constructor(t, act) {
    this.#progress = new Progress(t, {
      run: act.analyze, see: () => this.#lead(), said: act.said,
    });
    this.#facts = new Facts(t, { onCorrect: act.correct });
    this.#results = new Results(t);
    this.#results.element.tabIndex = -1;
    this.element = make("section", "found", this.#facts.element, this.#results.element);
    this.element.ariaLabel = t("analysis.title");
  }

  get progress() {
    return this.#progress.element;
  }

  /** How far the analysis is, in words. */
  get sentence() {
    return this.#progress.sentence;
  }

  /** Shows what is known in this state. */
  update(state) {
    const { conversation } = state;
    const facts = conversation?.facts ?? [];
    this.#progress.update(state);
    this.#facts.update({ facts, busy: isSending(state) });
    this.#results.update({ analysis: conversation?.analyzed ? conversation : null, facts });
  }

  #lead() {
    this.#results.element.focus({ preventScroll: true });
    this.#results.element.scrollIntoView({ block: "start" });
  }
}
