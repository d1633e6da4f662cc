// What is read out besides the messages: one sentence at a time, and not more often than one can listen.

import { make } from "../view.js";

const PAUSE_MS = 2_000;

/** A live region that tells the newest of what it was given to say. */
export class Announcer {
  element = Object.assign(make("p", "unseen"), { role: "status" });
  #next = "";
  #timer = 0;

  /** Says this now, or in place of what waits to be said; an empty text ends the waiting. */
  say(sentence) {
    this.#next = sentence;
    if (!this.#timer) {
      this.#speak();
    }
  }

  #speak() {
    this.#timer = 0;
    if (this.#next) {
      this.element.textContent = this.#next;
      this.#next = "";
      this.#timer = setTimeout(() => this.#speak(), PAUSE_MS);
    }
  }
}
