// Keeps the page's document on the server: loads, saves and deletes it, one request at a time.
//
// What is saved last is always the latest document. A save names the version it was made from, so
// that another tab's is never overwritten: both are merged then. While the server is away the
// document stays in memory, and is saved when the server is back.

import { newId, Refusal, request } from "../api.js";
import { extractAdded, merge } from "./merge.js";
import { completeDoc, createDoc, resetAgents } from "./state.js";

const PATH = "/api/session";
const KEY = "agents.session_id"; // all that is kept in the browser is where the rest is
const PRECONDITION_FAILED = 412;
const TOO_LARGE = 413;
const ROUNDS = 10; // after so many in a row something is wrong, and a pause is due
const LONGEST_PAUSE_S = 30;
const SAID = {
  saved: "All is saved.",
  waiting: "Not saved yet; will be saved when the server is back.",
  unreachable: "The earlier history cannot be reached right now; it will be shown as soon as it can.",
  too_large: "The history has grown too large to be saved. Clear it to go on saving; what is new is"
    + " lost when this page is closed.",
};

/**
 * `tell.document` gets every new document, `tell.status` a kind and a sentence of how it is kept,
 * and `tell.anew` is told when what was saved is gone.
 */
export class Store {
  document = createDoc();
  #id = readId();
  #tag = null;
  #saved = this.document; // what the server has, as far as is known
  #current = !this.#id; // whether the server's was looked at since it may have changed
  #busy = false;
  #work = Promise.resolve();
  #failures = 0;
  #pausedUntil = 0;
  #timer = 0;
  #others = new BroadcastChannel(KEY);
  #tell;

  constructor(tell) {
    this.#tell = tell;
    this.#others.addEventListener("message", () => this.#heard());
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

  /** Looks whether the server has something newer; done when it was asked. */
  refresh() {
    this.#current = !this.#id;
    return this.#wake();
  }

  /** Makes the next document out of this one and saves it; done when the server was asked. */
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

  /** Another tab has saved or deleted something. */
  #heard() {
    this.#id ??= readId(); // it may have been the first to save
    this.refresh();
  }

  #show(next) {
    this.document = next;
    this.#tell.document(next);
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
          throw new Refusal(SAID.waiting);
        }
        await (this.#current ? this.#save() : this.#load());
      }
      this.#failures = 0;
      this.#say("saved");
    } catch (error) {
      this.#explain(error);
    } finally {
      this.#busy = false;
    }
  }

  async #load() {
    this.#current = true; // unless another tab says otherwise while this is under way
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
    this.#tell.anew();
  }

  /** Leaves the id for good, for the one that another tab has begun with, or for a new one. */
  #startAnew(next) {
    const known = readId();
    this.#id = known === this.#id ? storeId(null) : known;
    this.#tag = null;
    this.#current = !this.#id;
    this.#saved = next.messages.length ? createDoc() : next;
    this.#show(next);
  }

  #explain(error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    if (error.canRetry) {
      const pause = Math.max(error.retryAfter, Math.min(2 ** this.#failures, LONGEST_PAUSE_S));
      const spread = 1 + Math.random() / 4; // not every browser at the same moment
      this.#failures += 1;
      this.#pausedUntil = Date.now() + error.retryAfter * 1000;
      this.#timer = setTimeout(() => this.#retry(), pause * spread * 1000);
      if (this.isUnsaved) {
        this.#say("waiting");
      } else if (!this.#tag) {
        this.#say("unreachable");
      }
    } else if (error.status === TOO_LARGE) {
      this.#say("too_large");
    } else {
      this.#say("refused", error.message);
    }
  }

  #say(kind, sentence = SAID[kind]) {
    this.#tell.status(kind, sentence);
  }
}

/** A proxy that compresses answers marks their tags as weak, and those never match. */
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
