// How far the analysis is, and the way to its results.

import { make } from "../view.js";
import { button } from "./dialogs.js";
import { isFollowed } from "./state.js";

/** The progress; `act.run()` starts the analysis, `act.see()` leads to the results. */
export class Progress {
  #t;
  #bar = make("progress", "");
  #text = make("p", "hint");
  #run;
  #see;
  sentence = "";
  element;

  constructor(t, act) {
    this.#t = t;
    this.#bar.ariaLabel = t("analysis.progress");
    this.#run = button("", t("analysis.run"), act.run);
    this.#see = button("small see", t("analysis.see"), act.see);
    this.element = make("div", "progress", this.#bar, this.#text, this.#run, this.#see);
    this.element.part = "progress";
  }

  /** Shows how far it is in this state. */
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
      this.#bar.removeAttribute("value"); // no share is known yet
    }
    this.sentence = this.#sentence(conversation, analysis);
    if (this.#text.textContent !== this.sentence) {
      this.#text.textContent = this.sentence;
    }
  }

  #sentence(conversation, { status, phase, progress, total, error }) {
    const t = this.#t;
    if (status === "running" && phase) {
      return t(`analysis.${phase}`, { progress, total });
    }
    if (status === "failed") {
      return t("analysis.failed", { reason: error.message });
    }
    if (status === "resting") {
      return conversation?.analyzed ? t("analysis.over", { count: conversation.matched_norms.length }) : "";
    }
    return t(`analysis.${status}`);
  }
}
