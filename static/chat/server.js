// The chat's interface on its server: what can be asked there, each as one call.

import { request } from "../api.js";

const BASE = "/api/develope";

/** The server at an origin. Every call gives the JSON answer or throws a Refusal. */
export class Server {
  #origin;

  constructor(origin) {
    this.#origin = origin;
  }

  /** Whether the page is this server's own, which has given the browser its cookie with it. */
  get isHome() {
    return this.#origin === location.origin;
  }

  /** Sends a message of the outbox; under its id it has the effect of one however often. */
  send({ id, text, facts, sessionId }, { complete, signal }) {
    const to = { session_id: sessionId, client_message_id: id };
    if (!sessionId) {
      return this.#call("POST", `${BASE}/start`, { initial_input: text, client_message_id: id }, signal);
    }
    if (facts) {
      return this.#call("POST", `${BASE}/correct`, { ...to, facts }, signal);
    }
    // Once nothing is to be asked any more, the server tells a question from a correction.
    return complete
      ? this.#call("POST", "/api/v1/chat", { ...to, message: text }, signal)
      : this.#call("POST", `${BASE}/respond`, { ...to, message: text }, signal);
  }

  /** A conversation as it stands. */
  conversation(sessionId) {
    return this.#call("GET", `${BASE}/session/${sessionId}`);
  }

  /** Which conversation this browser was in; it gets a cookie to be known by. */
  current() {
    return this.#call("GET", `${BASE}/current`);
  }

  /** This browser's conversations. */
  conversations() {
    return this.#call("GET", `${BASE}/conversations`);
  }

  /** Lets the server know which conversation is shown; null for a new one. */
  show(sessionId) {
    return this.#call("POST", `${BASE}/current`, { session_id: sessionId });
  }

  /** Deletes a conversation; one that is not there is deleted already. */
  remove(sessionId) {
    return this.#call("DELETE", `${BASE}/session/${sessionId}`);
  }

  /** Deletes all conversations of this browser. */
  clear() {
    return this.#call("DELETE", `${BASE}/conversations`);
  }

  /** Analyses without telling the steps, or gives the results there are. */
  analyze(sessionId) {
    return this.#call("POST", `${BASE}/analyze`, { session_id: sessionId });
  }

  /**
   * Follows an analysis. `on.step` gets every step, `on.broken` is told when the connection is lost
   * and being restored, `on.done` that it is over, `on.lost` that it cannot be followed any more.
   * Gives a function that ends it.
   */
  watch(sessionId, on) {
    const url = `${this.#origin}${BASE}/analyze-stream?session_id=${sessionId}`;
    const source = new EventSource(url, { withCredentials: true });
    const end = (tell) => {
      source.close();
      tell();
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
