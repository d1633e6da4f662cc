// What the browser stores: the current conversation, the draft, and the unsent messages.
//
// Where the visitor forbids storage, or it is full, they last as long as the page. Each item has its
// own key, because tabs write at the same time and may read older values than others wrote.

const LASTING = "localStorage";
const OF_THIS_TAB = "sessionStorage";
const fallback = new Map(); // what could not be stored

/** The memory for one server; elements and tabs of one site share it. */
export class Memory {
  #prefix;

  constructor(origin) {
    this.#prefix = `teaser-chat ${origin} `;
  }

  /** The current conversation, or null. */
  get sessionId() {
    return this.#read("session");
  }

  set sessionId(sessionId) {
    this.#write("session", sessionId);
  }

  /** Forgets the current conversation, unless another tab has switched to another one. */
  leave(sessionId) {
    if (this.sessionId === sessionId) {
      this.sessionId = null;
    }
  }

  /** The draft of this tab; in a new tab the latest draft. */
  get draft() {
    return this.#read("draft", OF_THIS_TAB) ?? this.#read("draft") ?? "";
  }

  set draft(draft) {
    const own = this.#read("draft", OF_THIS_TAB);
    if (draft || own === this.#read("draft")) {
      this.#write("draft", draft || null); // the draft of another tab is kept
    }
    this.#write("draft", draft, OF_THIS_TAB);
  }

  /** The messages that the server has not acknowledged, in their order. */
  get unsent() {
    const found = this.#names("unsent ").map((name) => this.#read(name)).filter(Boolean);
    return found.sort((one, other) => one.order - other.order)
      .map(({ order, ...entry }) => entry);
  }

  /** Stores a message, and whether the visitor stopped it. */
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
    const keys = [...listKeys(), ...fallback.keys()];
    return [...new Set(keys)].filter((key) => key.startsWith(whole + beginning))
      .map((key) => key.slice(whole.length));
  }

  #read(name, storage = LASTING) {
    const key = this.#prefix + name;
    try {
      return JSON.parse(fallback.get(`${storage} ${key}`) ?? window[storage].getItem(key));
    } catch {
      return null; // forbidden, or unreadable
    }
  }

  #write(name, value, storage = LASTING) {
    const key = this.#prefix + name;
    fallback.delete(`${storage} ${key}`);
    try {
      if (value === null) {
        window[storage].removeItem(key);
      } else {
        window[storage].setItem(key, JSON.stringify(value));
      }
    } catch {
      if (value !== null) {
        fallback.set(`${storage} ${key}`, JSON.stringify(value));
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
