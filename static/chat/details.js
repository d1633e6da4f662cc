// The parts that are loaded with the first answer: progress of the analysis, facts, results.

import { make } from "../view.js";
import { Facts } from "./facts.js";
import { Progress } from "./progress.js";
import { Results } from "./results.js";
import { isSending } from "./state.js";

/**
 * These parts; `act.analyze()` starts the analysis, `act.correct({name: value})` corrects a fact, and
 * `act.describe(error)` words a refusal. `progress` is placed among the messages, `element` beside.
 */
export class Details {
  #t;
  #act;
  #progress;
  #facts;
  #results;
  #sessionId = null;
  element = make("section", "found");

  constructor(t, act) {
    this.#t = t;
    this.#act = act;
    this.#progress = new Progress(t, {
      run: act.analyze, see: () => this.#showResults(), describe: act.describe,
    });
    this.element.ariaLabel = t("analysis.title");
  }

  get progress() {
    return this.#progress.element;
  }

  /** The progress of the analysis, in words. */
  get sentence() {
    return this.#progress.sentence;
  }

  /** Shows a state. */
  update(state) {
    const { conversation, sessionId } = state;
    if (!this.#facts || (sessionId && sessionId !== this.#sessionId)) {
      this.#reset(sessionId);
    }
    const facts = conversation?.facts ?? [];
    this.#progress.update(state);
    this.#facts.update({ facts, busy: isSending(state) });
    this.#results.update({ analysis: conversation?.analyzed ? conversation : null, facts });
  }

  /** Filters and unfolded parts of one conversation do not apply to another. */
  #reset(sessionId) {
    this.#sessionId = sessionId;
    this.#facts = new Facts(this.#t, { onCorrect: this.#act.correct });
    this.#results = new Results(this.#t);
    this.#results.element.tabIndex = -1;
    this.element.replaceChildren(this.#facts.element, this.#results.element);
  }

  #showResults() {
    this.#results.element.focus({ preventScroll: true });
    this.#results.element.scrollIntoView({ block: "start" });
  }
}
