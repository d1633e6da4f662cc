// What is read out besides the messages: one sentence at a time, and not more often than one can listen.

import { make } from "../view.js";

const PAUSE_MS = 2_000;

/** A live region that tells the newest of each topic, one after the other. */
export class Announcer {
  element = Object.assign(make("p", "unseen"), { role: "status" });
  #waiting = new Map(); // the sentences that were not said yet, by their topics
  #timer = 0;

  /** Says this now, or after what waits already; what waits of the same topic is not said then. */
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
      this.element.replaceChildren(make("span", "", sentence)); // is said even if it was the last one
      this.#timer = setTimeout(() => this.#speak(), PAUSE_MS);
      return;
    }
  }
}
