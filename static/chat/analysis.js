// Follows an analysis to its end, however often the connection is lost on the way.

import { Refusal } from "../api.js";
import { computePause, isTemporary } from "./retry.js";

/**
 * An analysis of a `server`. `tell.change` gets what is known of it, as the state keeps it;
 * `tell.done` and `tell.gone` are told that it is over, or that its conversation is not there.
 */
export class Analysis {
  #server;
  #tell;
  #sessionId = null;
  #unwatch = () => {};
  #timer = 0;
  #failures = 0;

  constructor(server, tell) {
    this.#server = server;
    this.#tell = tell;
  }

  /** Runs the analysis of a conversation, or resumes it. */
  follow(sessionId) {
    this.end();
    this.#sessionId = sessionId;
    this.#tell.change({ status: "running" });
    this.#unwatch = this.#server.watch(sessionId, {
      step: ({ phase, progress, total }) => (
        this.#tell.change({ status: "running", phase, progress, total })),
      broken: () => this.#tell.change({ status: "broken" }),
      done: () => this.#done(),
      lost: () => this.#runUnseen(),
    });
  }

  /** Follows it no longer. */
  end() {
    clearTimeout(this.#timer);
    this.#unwatch();
    this.#unwatch = () => {};
    this.#sessionId = null;
  }

  #done() {
    this.#failures = 0;
    this.end();
    this.#tell.done();
  }

  /** A stream that cannot be followed says nothing of why; an analysis without steps does. */
  async #runUnseen() {
    const sessionId = this.#sessionId;
    this.#tell.change({ status: "broken" });
    try {
      await this.#server.analyze(sessionId);
    } catch (error) {
      if (sessionId === this.#sessionId) {
        this.#explain(error);
      }
      return;
    }
    if (sessionId === this.#sessionId) {
      this.#done();
    }
  }

  #explain(error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    const sessionId = this.#sessionId;
    if (isTemporary(error)) {
      this.#failures += 1;
      this.#timer = setTimeout(() => this.follow(sessionId), computePause(error, this.#failures));
    } else if (error.gone) {
      this.end();
      this.#tell.gone(error);
    } else {
      this.end();
      this.#tell.change({ status: "failed", error });
    }
  }
}
