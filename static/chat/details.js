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
      run: act.analyze, see: () => this.#lead(), said: act.said,
    });
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
    const { conversation, sessionId } = state;
    if (!this.#facts || (sessionId && sessionId !== this.#sessionId)) {
      this.#beginAnew(sessionId);
    }
    const facts = conversation?.facts ?? [];
    this.#progress.update(state);
    this.#facts.update({ facts, busy: isSending(state) });
    this.#results.update({ analysis: conversation?.analyzed ? conversation : null, facts });
  }

  /** What was filtered and unfolded in one conversation is not meant for another. */
  #beginAnew(sessionId) {
    this.#sessionId = sessionId;
    this.#facts = new Facts(this.#t, { onCorrect: this.#act.correct });
    this.#results = new Results(this.#t);
    this.#results.element.tabIndex = -1;
    this.element.replaceChildren(this.#facts.element, this.#results.element);
  }

  #lead() {
    this.#results.element.focus({ preventScroll: true });
    this.#results.element.scrollIntoView({ block: "start" });
  }
}
