// The progress of the analysis, and the link to its results.

import { make, makeButton, setText } from "../view.js";
import { isFollowed } from "./state.js";

/**
 * The progress; `act.run()` starts the analysis, `act.see()` shows the results, and
 * `act.describe(error)` words why it failed.
 */
export class Progress {
  #t;
  #bar = make("progress", "");
  #text = make("p", "hint");
  #run;
  #see;
  #describe;
  sentence = "";
  element;

  constructor(t, act) {
    this.#t = t;
    this.#describe = act.describe;
    this.#bar.ariaLabel = t("analysis.progress");
    this.#run = makeButton("", act.run, t("analysis.run"));
    this.#see = makeButton("small see", act.see, t("analysis.see"));
    this.element = make("div", "progress", this.#bar, this.#text, this.#run, this.#see);
    this.element.part = "progress";
  }

  /** Shows the progress in a state. */
  update(state) {
    const { conversation, analysis, ended } = state;
    const { progress, total } = analysis;
    const isRunning = isFollowed(state);
    const isOver = Boolean(conversation?.analyzed) && !isRunning;
    const canRun = Boolean(conversation?.complete) && !isOver && !ended && !isRunning;
    this.element.hidden = !isRunning && !canRun && !isOver;
    this.#bar.hidden = !isRunning;
    this.#run.hidden = !canRun;
    this.#see.hidden = !isOver;
    if (total) {
      this.#bar.max = total;
      this.#bar.value = progress;
    } else {
      this.#bar.removeAttribute("value"); // no total is known yet
    }
    this.sentence = this.#buildSentence(conversation, analysis);
    setText(this.#text, this.sentence);
  }

  #buildSentence(conversation, { status, phase, progress, total, error }) {
    const t = this.#t;
    if (status === "running" && phase) {
      return t(`analysis.${phase}`, { progress, total });
    }
    if (status === "failed") {
      return t("analysis.failed", { reason: this.#describe(error) });
    }
    if (status === "resting") {
      return conversation?.analyzed ? t("analysis.over", { count: conversation.matched_norms.length }) : "";
    }
    return t(`analysis.${status}`);
  }
}
