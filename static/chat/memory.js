// What the browser itself remembers: which conversation it is in, and the draft.
//
// The draft is what is being written and what was written but not taken by the server yet. Where
// the visitor forbids storage, or it is full, it is forgotten with the page. Everything has a key of
// its own, as tabs write at the same time, and what one reads may be older than what another wrote.

const LASTING = "localStorage";
const OF_THIS_TAB = "sessionStorage";
const aside = new Map(); // what no storage took

/** The memory for one server; elements and tabs of one site share it. */
export class Memory {
  #prefix;

  constructor(origin) {
    this.#prefix = `teaser-chat ${origin} `;
  }

  /** The conversation this browser is in, or null. */
  get sessionId() {
    return this.#read("session");
  }

  set sessionId(sessionId) {
    this.#write("session", sessionId);
  }

  /** Forgets to be in a conversation, unless another tab has gone to another one. */
  leave(sessionId) {
    if (this.sessionId === sessionId) {
      this.sessionId = null;
    }
  }

  /** What is being written: in this tab, or in a new one what was being written last. */
  get draft() {
    return this.#read("draft", OF_THIS_TAB) ?? this.#read("draft") ?? "";
  }

  set draft(draft) {
    const own = this.#read("draft", OF_THIS_TAB);
    if (draft || own === this.#read("draft")) {
      this.#write("draft", draft || null); // what another tab is writing is not deleted
    }
    this.#write("draft", draft, OF_THIS_TAB);
  }

  /** The messages that the server has not acknowledged, in their order. */
  get unsent() {
    const found = this.#names("unsent ").map((name) => this.#read(name)).filter(Boolean);
    return found.sort((one, other) => one.order - other.order)
      .map(({ order, ...entry }) => entry);
  }

  /** Keeps a message, and whether the visitor stopped it, whatever other tabs keep. */
  keep({ id, text, facts, sessionId, status }) {
    const name = `unsent ${id}`;
    const last = Math.max(0, ...this.#names("unsent ").map((one) => this.#read(one)?.order ?? 0));
    const order = this.#read(name)?.order ?? last + 1;
    const isStopped = status === "stopped" || undefined;
    this.#write(name, { id, text, facts, sessionId, isStopped, order });
  }

  /** Forgets a message. */
  drop(id) {
    this.#write(`unsent ${id}`, null);
  }

  #names(beginning) {
    const whole = `${LASTING} ${this.#prefix}`;
    const keys = [...listKeys(), ...aside.keys()];
    return [...new Set(keys)].filter((key) => key.startsWith(whole + beginning))
      .map((key) => key.slice(whole.length));
  }

  #read(name, storage = LASTING) {
    const key = this.#prefix + name;
    try {
      return JSON.parse(aside.get(`${storage} ${key}`) ?? window[storage].getItem(key));
    } catch {
      return null; // it is forbidden, or spoilt
    }
  }

  #write(name, value, storage = LASTING) {
    const key = this.#prefix + name;
    aside.delete(`${storage} ${key}`);
    try {
      if (value === null) {
        window[storage].removeItem(key);
      } else {
        window[storage].setItem(key, JSON.stringify(value));
      }
    } catch {
      if (value !== null) {
        aside.set(`${storage} ${key}`, JSON.stringify(value));
      }
    }
  }
}

function listKeys() {
  try {
    return Object.keys(window[LASTING]).map((key) => `${LASTING} ${key}`);
  } catch {
    return [];
  }
}
