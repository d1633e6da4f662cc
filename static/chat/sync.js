// Synchronises the chat with the server, one request after another, until both agree.
//
// Messages go into the outbox and are sent in order. While the server is unavailable they wait there.
// A message keeps its id in every attempt, which makes repetitions idempotent.

import { Refusal } from "../api.js";
import { Analysis } from "./analysis.js";
import { computePause, isTemporary } from "./retry.js";
import * as state from "./state.js";

/**
 * The synchronisation of a `chat` with a `server`. `chat.state` returns the state, `chat.change` gets
 * the next one, `chat.announce` gets news for the other tabs; everything stops once `chat.signal` is
 * aborted. Messages that the server has are removed from `memory`, which gets the conversation's id.
 */
export class Sync {
  #server;
  #memory;
  #chat;
  #analysis;
  #known; // whether the browser has the server's cookie, which makes a conversation its own
  #stale = true; // whether the server may have a newer conversation
  #failures = 0;
  #timer = 0;
  #sending = null; // the message being sent, and its AbortController
  #pointer; // the conversation to report to the server as shown

  constructor(server, memory, chat) {
    this.#server = server;
    this.#memory = memory;
    this.#chat = chat;
    this.#known = server.isHome;
    this.#analysis = new Analysis(server, {
      change: (change) => chat.change(state.analyse(this.#state, change)),
      done: () => this.#analyzed(),
      gone: (error) => this.#end(error),
    });
  }

  /** Starts to follow whether the browser is online. */
  open() {
    const { signal } = this.#chat;
    addEventListener("online", () => this.wake(), { signal });
    addEventListener("offline", () => this.#link("offline"), { signal });
    if (navigator.onLine === false) {
      this.#link("offline");
    }
  }

  /** The id of the message being sent, if any. */
  get sendingId() {
    return this.#sending?.id;
  }

  /** Does everything pending now, without waiting for the next retry. */
  wake() {
    clearTimeout(this.#timer);
    this.#catchUp();
  }

  /** Does the same, and reads the conversation again. */
  refresh() {
    this.#stale = true;
    this.wake();
  }

  /** Reports next which conversation is shown; null for a new one. */
  point(sessionId) {
    this.#pointer = sessionId;
  }

  /** Gets a new cookie before anything else, because the server does not know this browser any more. */
  introduce() {
    this.#known = false;
    this.#stale = true;
  }

  /** Runs the analysis, or resumes it. */
  analyze() {
    this.#analysis.follow(this.#state.sessionId);
  }

  /** Aborts the message being sent, and the analysis. */
  abort() {
    this.#sending?.controller.abort();
    this.#analysis.end();
  }

  /** Aborts everything without a retry. */
  close() {
    clearTimeout(this.#timer);
    this.abort();
  }

  get #state() {
    return this.#chat.state();
  }

  #link(link) {
    this.#chat.change(state.link(this.#state, link));
  }

  async #catchUp() {
    if (this.#state.busy || this.#chat.signal.aborted) {
      return;
    }
    this.#chat.change(state.setBusy(this.#state, true));
    try {
      while (!this.#chat.signal.aborted && await this.#step());
      this.#failures = 0;
      this.#link("up");
    } catch (error) {
      this.#pause(error);
    } finally {
      if (state.isDue(this.#state) && !this.#chat.signal.aborted) {
        this.analyze();
      }
      this.#chat.change(state.setBusy(this.#state, false));
    }
  }

  /** Does the next pending request; false if there is none. */
  async #step() {
    const entry = state.findNext(this.#state);
    if (this.#pointer !== undefined) {
      await this.#point();
    } else if (entry && this.#canSend) {
      await this.#deliver(entry);
    } else if (this.#stale) {
      await this.#load();
    } else {
      return false;
    }
    return true;
  }

  get #canSend() {
    const { sessionId, ready } = this.#state;
    const isInDoubt = this.#stale && state.isInDoubt(this.#state);
    return sessionId ? ready : this.#known && !isInDoubt;
  }

  async #deliver(entry) {
    const controller = new AbortController();
    this.#sending = { id: entry.id, controller };
    this.#chat.change(state.send(this.#state, entry.id));
    const { complete } = this.#state.conversation ?? {};
    try {
      const answer = await this.#server.send(entry, { complete, signal: controller.signal });
      this.#memory.drop(entry.id);
      this.#take(entry, answer);
    } catch (error) {
      this.#handleRefusal(entry.id, error, controller.signal.aborted);
    } finally {
      this.#sending = null;
    }
  }

  #take({ id, sessionId: meant }, answer) {
    const isShown = this.#state.outbox.some((entry) => entry.id === id);
    this.#chat.change(state.answer(this.#state, id, answer, new Date().toISOString()));
    const { sessionId, outbox } = this.#state;
    if (isShown) {
      this.#memory.sessionId = sessionId;
      outbox.forEach((entry) => this.#memory.keep(entry)); // they belong to this conversation now
      this.#stale = true;
    }
    this.#chat.announce({ changed: answer.session_id ?? meant });
  }

  #handleRefusal(id, error, isStopped) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    if (isStopped) {
      this.#stale = true; // the server may have it nevertheless
    } else if (error.gone) {
      this.#end(error);
    } else if (isTemporary(error)) {
      this.#chat.change(state.hold(this.#state, id));
      throw error;
    } else {
      this.#stale = true; // the server may have it despite the refusal
      this.#chat.change(state.fail(this.#state, id, error));
    }
  }

  async #load() {
    this.#stale = false; // may become true again while the request is under way
    let { sessionId } = this.#state;
    try {
      if (!sessionId && (!this.#known || !this.#state.ready || state.isInDoubt(this.#state))) {
        await this.#meet();
        ({ sessionId } = this.#state);
      }
      const conversation = sessionId && await this.#server.conversation(sessionId);
      if (conversation && sessionId === this.#state.sessionId) {
        this.#learn(conversation);
      }
    } catch (error) {
      if (!(error instanceof Refusal) || !error.gone) {
        this.#stale = true;
        throw error;
      }
      if (sessionId === this.#state.sessionId) {
        this.#end(error);
      }
    }
  }

  #learn(conversation) {
    this.#chat.change(state.load(this.#state, conversation));
    const known = state.listIds(conversation);
    this.#memory.unsent.filter(({ id }) => known.has(id)).forEach(({ id }) => this.#memory.drop(id));
  }

  /** Gets the browser's cookie and its current conversation. */
  async #meet() {
    const { current } = await this.#server.current();
    this.#known = true;
    if (this.#state.sessionId) {
      return; // one was chosen meanwhile
    }
    if (!this.#state.ready) {
      const found = this.#state.outbox.length ? null : current;
      this.#memory.sessionId = found;
      this.#chat.change(state.open(this.#state, found, this.#state.outbox));
    } else if (current && state.isInDoubt(this.#state) && await this.#hasTaken(current)) {
      this.#chat.change(state.begin(state.seek(this.#state), current));
      this.#memory.sessionId = current;
      this.#state.outbox.forEach((entry) => this.#memory.keep(entry));
    }
  }

  /** Whether a conversation contains a message that was stopped here. */
  async #hasTaken(sessionId) {
    try {
      const known = state.listIds(await this.#server.conversation(sessionId));
      return !this.#state.sessionId && this.#state.outbox.some(({ id }) => known.has(id));
    } catch (error) {
      if (error instanceof Refusal && error.gone) {
        return false;
      }
      throw error;
    }
  }

  #analyzed() {
    this.#chat.change(state.analyse(this.#state, { status: "done" }));
    this.#chat.announce({ changed: this.#state.sessionId });
    this.refresh();
  }

  #end(error) {
    this.#analysis.end();
    this.#stale = false;
    this.#known = false; // perhaps only the cookie is gone
    const { sessionId, outbox } = this.#state;
    if (!outbox.length) {
      this.#memory.leave(sessionId); // else a reload has to explain it again
    }
    this.#chat.change(state.end(this.#state, error));
  }

  #pause(error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    this.#failures += 1;
    this.#link(navigator.onLine === false ? "offline" : error);
    this.#timer = setTimeout(() => this.wake(), computePause(error, this.#failures));
  }

  /** Reports which conversation is shown; a failure is harmless. */
  async #point() {
    const sessionId = this.#pointer;
    this.#pointer = undefined;
    try {
      await this.#server.show(sessionId);
    } catch (error) {
      if (!(error instanceof Refusal)) {
        throw error;
      }
    }
  }
}
