// What the browser itself remembers: which conversation it is in, and the draft.
//
// The draft is what is being written and what was written but not taken by the server yet. Where
// the visitor forbids storage it is forgotten with the page.

/** The memory for one server; elements and tabs of one site share it. */
export class Memory {
  #key;

  constructor(origin) {
    this.#key = `teaser-chat ${origin}`;
  }

  /** The conversation this browser is in, or null. */
  get sessionId() {
    return this.#read().sessionId ?? null;
  }

  set sessionId(sessionId) {
    this.#write({ sessionId });
  }

  /** What is being written. */
  get draft() {
    return this.#read().draft ?? "";
  }

  set draft(draft) {
    this.#write({ draft });
  }

  /** The messages that the server has not acknowledged, as they are in the outbox. */
  get unsent() {
    return this.#read().unsent ?? [];
  }

  /** Keeps a message, whatever other tabs keep. */
  keep({ id, text, facts, sessionId }) {
    const others = this.unsent.filter((entry) => entry.id !== id);
    this.#write({ unsent: [...others, { id, text, facts, sessionId }] });
  }

  /** Forgets a message. */
  drop(id) {
    this.#write({ unsent: this.unsent.filter((entry) => entry.id !== id) });
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.#key)) ?? {};
    } catch {
      return {};
    }
  }

  #write(change) {
    try {
      localStorage.setItem(this.#key, JSON.stringify({ ...this.#read(), ...change }));
    } catch {
      // it is forbidden, or full
    }
  }
}
