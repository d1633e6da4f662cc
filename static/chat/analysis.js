// Follows an analysis to its end, however often the connection is lost meanwhile.

import { Refusal } from "../api.js";
import { computePause, isTemporary } from "./retry.js";

/**
 * An analysis on a `server`. `on.change` gets its progress as the state keeps it; `on.done` is called
 * when it is finished, `on.gone` when its conversation no longer exists.
 */
export class Analysis {
  #server;
  #on;
  #sessionId = null;
  #stopWatching = () => {};
  #timer = 0;
  #failures = 0;

  constructor(server, on) {
    this.#server = server;
    this.#on = on;
  }

  /** Runs the analysis of a conversation, or resumes it. */
  follow(sessionId) {
    this.end();
    this.#sessionId = sessionId;
    this.#on.change({ status: "running" });
    this.#stopWatching = this.#server.watch(sessionId, {
      step: ({ phase, progress, total }) => (
        this.#on.change({ status: "running", phase, progress, total })),
      broken: () => this.#on.change({ status: "broken" }),
      done: () => this.#done(),
      lost: () => this.#runWithoutSteps(),
    });
  }

  /** Stops following it. */
  end() {
    clearTimeout(this.#timer);
    this.#stopWatching();
    this.#stopWatching = () => {};
    this.#sessionId = null;
  }

  #done() {
    this.#failures = 0;
    this.end();
    this.#on.done();
  }

  /** A stream that fails does not say why; an analysis without steps does. */
  async #runWithoutSteps() {
    const sessionId = this.#sessionId;
    this.#on.change({ status: "broken" });
    try {
      await this.#server.analyze(sessionId);
    } catch (error) {
      if (sessionId === this.#sessionId) {
        this.#handle(error);
      }
      return;
    }
    if (sessionId === this.#sessionId) {
      this.#done();
    }
  }

  #handle(error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    const sessionId = this.#sessionId;
    if (isTemporary(error)) {
      this.#failures += 1;
      this.#timer = setTimeout(() => this.follow(sessionId), computePause(error, this.#failures));
    } else if (error.gone) {
      this.end();
      this.#on.gone(error);
    } else {
      this.end();
      this.#on.change({ status: "failed", error });
    }
  }
}
