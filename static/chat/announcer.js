// What screen readers announce besides the messages: one sentence at a time, with pauses.

import { make } from "../view.js";

const PAUSE_MS = 2_000;

/** A live region that announces the newest sentence of each topic, one after the other. */
export class Announcer {
  element = Object.assign(make("p", "unseen"), { role: "status" });
  #waiting = new Map(); // sentences not announced yet, by topic
  #timer = 0;

  /** Announces a sentence, after those already waiting; it replaces a waiting one of its topic. */
  say(topic, sentence) {
    if (sentence) {
      this.#waiting.set(topic, sentence);
    } else {
      this.#waiting.delete(topic);
    }
    if (!this.#timer) {
      this.#speak();
    }
  }

  #speak() {
    this.#timer = 0;
    for (const [topic, sentence] of this.#waiting) {
      this.#waiting.delete(topic);
      this.element.replaceChildren(make("span", "", sentence)); // announced even if the text is the same
      this.#timer = setTimeout(() => this.#speak(), PAUSE_MS);
      return;
    }
  }
}
