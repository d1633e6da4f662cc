// Keeps the page's document on the server: loads, saves and deletes it, one request at a time.
//
// The latest document is always the last one saved. A save names the version it is based on, so that
// another tab's changes are merged instead of overwritten. While the server is unavailable the
// document stays in memory and is saved later.

import { newId, Refusal, request } from "../api.js";
import { extractAdded, merge } from "./merge.js";
import { completeDoc, createDoc, resetAgents } from "./state.js";

const PATH = "/api/session";
const KEY = "agents.session_id"; // the browser stores only this id
const PRECONDITION_FAILED = 412;
const TOO_LARGE = 413;
const ROUNDS = 10; // rounds in a row after which it pauses
const LONGEST_PAUSE_S = 30;
const SENTENCES = {
  saved: "All is saved.",
  waiting: "Not saved yet; will be saved when the server is back.",
  unreachable: "The earlier history cannot be reached right now; it will be shown as soon as it can.",
  too_large: "The history has grown too large to be saved. Clear it to go on saving; what is new is"
    + " lost when this page is closed.",
};

/**
 * `on.document` gets every new document, `on.status` a kind and a sentence about saving, and
 * `on.anew` is called when the saved document is gone.
 */
export class Store {
  document = createDoc();
  #id = readId();
  #tag = null;
  #saved = this.document; // the server's document, as far as known
  #current = !this.#id; // whether the server's document was read since it may have changed
  #busy = false;
  #work = Promise.resolve();
  #failures = 0;
  #pausedUntil = 0;
  #timer = 0;
  #others = new BroadcastChannel(KEY);
  #on;

  constructor(on) {
    this.#on = on;
    this.#others.addEventListener("message", () => this.#handleNews());
    addEventListener("online", () => this.#wake());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") {
        this.refresh();
      }
    });
  }

  /** Whether something would be lost if the page were closed now. */
  get isUnsaved() {
    return this.document !== this.#saved;
  }

  /** Reads the document if the server has a newer one. */
  refresh() {
    this.#current = !this.#id;
    return this.#wake();
  }

  /** Applies a change to the document and saves it. */
  change(step) {
    this.#show(step(this.document));
    return this.#wake();
  }

  /** Deletes the document, here and on the server, or throws a Refusal and keeps it. */
  async remove() {
    while (this.#busy) {
      await this.#work;
    }
    this.#busy = true; // so that nothing is saved meanwhile
    try {
      if (this.#id) {
        await request("DELETE", `${PATH}/${this.#id}`);
        this.#others.postMessage("changed");
      }
      this.#startAnew(createDoc());
      this.#pausedUntil = 0; // the server is there
    } finally {
      this.#busy = false;
      this.#wake();
    }
  }

  /** Another tab has saved or deleted the document. */
  #handleNews() {
    this.#id ??= readId(); // it may have been the first to save
    this.refresh();
  }

  #show(next) {
    this.document = next;
    this.#on.document(next);
  }

  #wake() {
    if (!this.#busy && Date.now() >= this.#pausedUntil) {
      clearTimeout(this.#timer);
      this.#work = this.#catchUp();
    }
    return this.#work;
  }

  #retry() {
    this.#pausedUntil = 0;
    this.#wake();
  }

  async #catchUp() {
    this.#busy = true;
    try {
      for (let round = 0; this.isUnsaved || !this.#current; round += 1) {
        if (round === ROUNDS) {
          throw new Refusal(SENTENCES.waiting);
        }
        await (this.#current ? this.#save() : this.#load());
      }
      this.#failures = 0;
      this.#report("saved");
    } catch (error) {
      this.#handleRefusal(error);
    } finally {
      this.#busy = false;
    }
  }

  async #load() {
    this.#current = true; // another tab may reset this during the request
    try {
      const known = this.#tag ? { "If-None-Match": this.#tag } : {};
      const { status, answer, tag } = await request("GET", `${PATH}/${this.#id}`, null, known);
      if (status === 200) {
        this.#take(answer.data, tag);
      }
    } catch (error) {
      this.#current = false;
      this.#giveUpIfGone(error);
    }
  }

  #take(data, tag) {
    const theirs = this.#tag ? completeDoc(data) : resetAgents(completeDoc(data));
    const next = this.isUnsaved ? merge(theirs, this.document) : theirs;
    this.#saved = theirs;
    this.#tag = strengthenTag(tag);
    this.#show(next);
  }

  async #save() {
    const sent = this.document;
    this.#id ??= readId() ?? storeId(newId());
    const wanted = this.#tag ? { "If-Match": this.#tag } : { "If-None-Match": "*" };
    const body = { session_id: this.#id, data: sent };
    try {
      const { tag } = await request("POST", PATH, body, wanted);
      this.#saved = sent;
      this.#tag = strengthenTag(tag);
      this.#others.postMessage("changed");
    } catch (error) {
      if (error.status === PRECONDITION_FAILED) {
        this.#current = false;
      } else {
        this.#giveUpIfGone(error);
      }
    }
  }

  #giveUpIfGone(error) {
    if (!error.gone) {
      throw error;
    }
    this.#startAnew(extractAdded(this.document, this.#saved)); // what was never saved was not deleted
    this.#on.anew();
  }

  /** Switches to the id that another tab uses by now, or to a new one. */
  #startAnew(next) {
    const known = readId();
    this.#id = known === this.#id ? storeId(null) : known;
    this.#tag = null;
    this.#current = !this.#id;
    this.#saved = next.messages.length ? createDoc() : next;
    this.#show(next);
  }

  #handleRefusal(error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    if (error.canRetry) {
      const pause = Math.max(error.retryAfter, Math.min(2 ** this.#failures, LONGEST_PAUSE_S));
      const spread = 1 + Math.random() / 4; // jitter
      this.#failures += 1;
      this.#pausedUntil = Date.now() + error.retryAfter * 1000;
      this.#timer = setTimeout(() => this.#retry(), pause * spread * 1000);
      if (this.isUnsaved) {
        this.#report("waiting");
      } else if (!this.#tag) {
        this.#report("unreachable");
      }
    } else if (error.status === TOO_LARGE) {
      this.#report("too_large");
    } else {
      this.#report("refused", error.message);
    }
  }

  #report(kind, sentence = SENTENCES[kind]) {
    this.#on.status(kind, sentence);
  }
}

/** Removes the mark of a weak tag, which a compressing proxy adds and which never matches. */
function strengthenTag(tag) {
  return tag.replace(/^W\//, "");
}

function readId() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null; // the visitor forbids it: the history ends with this page
  }
}

function storeId(id) {
  try {
    if (id) {
      localStorage.setItem(KEY, id);
    } else {
      localStorage.removeItem(KEY);
    }
  } catch {
    // as above
  }
  return id;
}
