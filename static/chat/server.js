// The client of the chat's HTTP interface, one method for each request.

import { request } from "../api.js";

const BASE = "/api/develope";

/** The server at an origin. Every method resolves to the JSON answer or throws a Refusal. */
export class Server {
  #origin;

  constructor(origin) {
    this.#origin = origin;
  }

  /** Whether the page is the server's own, so that the browser already has its cookie. */
  get isHome() {
    return this.#origin === location.origin;
  }

  /** Sends a message of the outbox; its id makes repetitions idempotent. */
  send({ id, text, facts, sessionId }, { complete, signal }) {
    const to = { session_id: sessionId, client_message_id: id };
    if (!sessionId) {
      return this.#call("POST", `${BASE}/start`, { initial_input: text, client_message_id: id }, signal);
    }
    if (facts) {
      return this.#call("POST", `${BASE}/correct`, { ...to, facts }, signal);
    }
    // After the interview, the server distinguishes questions from corrections.
    return complete
      ? this.#call("POST", "/api/v1/chat", { ...to, message: text }, signal)
      : this.#call("POST", `${BASE}/respond`, { ...to, message: text }, signal);
  }

  /** Reads a conversation. */
  conversation(sessionId) {
    return this.#call("GET", `${BASE}/session/${sessionId}`);
  }

  /** Reads this browser's current conversation; the answer sets its cookie. */
  current() {
    return this.#call("GET", `${BASE}/current`);
  }

  /** Lists this browser's conversations. */
  conversations() {
    return this.#call("GET", `${BASE}/conversations`);
  }

  /** Stores which conversation is shown; null for a new one. */
  show(sessionId) {
    return this.#call("POST", `${BASE}/current`, { session_id: sessionId });
  }

  /** Deletes a conversation; one that does not exist counts as deleted. */
  remove(sessionId) {
    return this.#call("DELETE", `${BASE}/session/${sessionId}`);
  }

  /** Reads everything that the server has stored of this browser. */
  export() {
    return this.#call("GET", `${BASE}/browser`);
  }

  /** Deletes all of it, and the cookie by which the server knows this browser. */
  erase() {
    return this.#call("DELETE", `${BASE}/browser`);
  }

  /** Deletes all conversations of this browser. */
  clear() {
    return this.#call("DELETE", `${BASE}/conversations`);
  }

  /** Runs the analysis without steps, or returns existing results. */
  analyze(sessionId) {
    return this.#call("POST", `${BASE}/analyze`, { session_id: sessionId });
  }

  /**
   * Follows an analysis. `on.step` gets every step, `on.broken` is called when the connection is
   * lost and being restored, `on.done` at the end, `on.lost` when it can no longer be followed.
   * Returns a function that stops it.
   */
  watch(sessionId, on) {
    const url = `${this.#origin}${BASE}/analyze-stream?session_id=${sessionId}`;
    const source = new EventSource(url, { withCredentials: true });
    const end = (notify) => {
      source.close();
      notify();
    };
    source.onmessage = ({ data }) => {
      const step = JSON.parse(data);
      if (step.phase === "complete") {
        end(on.done);
      } else if (step.phase === "error") {
        end(on.lost);
      } else {
        on.step(step);
      }
    };
    source.onerror = () => {
      if (source.readyState === EventSource.CLOSED) {
        end(on.lost);
      } else {
        on.broken();
      }
    };
    return () => source.close();
  }

  async #call(method, path, body, signal) {
    return (await request(method, this.#origin + path, body, {}, signal)).answer;
  }
}
