// Does the chat's work with the server, one thing after another, until both know the same.
//
// What is written goes into the outbox and is sent in its order. While the server cannot be
// reached it waits there, and is sent when the server is back; the same message has the same id
// however often it is sent, and therefore the effect of one.

import { Refusal } from "../api.js";
import { Analysis } from "./analysis.js";
import { computePause, isTemporary } from "./retry.js";
import * as state from "./state.js";

/**
 * The work of a `chat` with a `server`. `chat.state` gives the state, `chat.change` gets the next
 * one, `chat.announce` news for the other tabs, and nothing goes on once `chat.signal` is aborted.
 * `memory` keeps no longer what the server has taken, and learns which conversation took it.
 */
export class Sync {
  #server;
  #memory;
  #chat;
  #analysis;
  #known; // whether the browser has what a conversation is its own by: the server's cookie
  #stale = true; // whether the server may have something newer than the state
  #failures = 0;
  #timer = 0;
  #sending = null; // the message that is on its way, and what breaks it off
  #pointer; // the conversation that the server is to be told is shown

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

  /** Minds from now on whether the browser is on a network. */
  open() {
    const { signal } = this.#chat;
    addEventListener("online", () => this.wake(), { signal });
    addEventListener("offline", () => this.#link("offline"), { signal });
    if (navigator.onLine === false) {
      this.#link("offline");
    }
  }

  /** The id of the message that is on its way, if there is one. */
  get sendingId() {
    return this.#sending?.id;
  }

  /** Does at once what there is to do, however long it was to wait. */
  wake() {
    clearTimeout(this.#timer);
    this.#catchUp();
  }

  /** Does the same, and reads the conversation anew. */
  refresh() {
    this.#stale = true;
    this.wake();
  }

  /** Has the server told, as the next thing, which conversation is shown; null for a new one. */
  point(sessionId) {
    this.#pointer = sessionId;
  }

  /** Runs the analysis, or resumes it. */
  analyze() {
    this.#analysis.follow(this.#state.sessionId);
  }

  /** Breaks off what is under way: the message that is being sent, and the analysis. */
  breakOff() {
    this.#sending?.broken.abort();
    this.#analysis.end();
  }

  /** Breaks it off, and does not try again later. */
  close() {
    clearTimeout(this.#timer);
    this.breakOff();
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

  /** Does the next thing there is to do with the server; false if there is none. */
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
    const broken = new AbortController();
    this.#sending = { id: entry.id, broken };
    this.#chat.change(state.send(this.#state, entry.id));
    const { complete } = this.#state.conversation ?? {};
    try {
      const answer = await this.#server.send(entry, { complete, signal: broken.signal });
      this.#memory.drop(entry.id);
      this.#take(entry, answer);
    } catch (error) {
      this.#explain(entry.id, error, broken.signal.aborted);
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
      outbox.forEach((entry) => this.#memory.keep(entry)); // they belong to this one now
      this.#stale = true;
    }
    this.#chat.announce({ changed: answer.session_id ?? meant });
  }

  #explain(id, error, isStopped) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    if (isStopped) {
      this.#stale = true; // it may have been taken all the same
    } else if (error.gone) {
      this.#end(error);
    } else if (isTemporary(error)) {
      this.#chat.change(state.hold(this.#state, id));
      throw error;
    } else {
      this.#stale = true; // it may be there in spite of the refusal
      this.#chat.change(state.fail(this.#state, id, error));
    }
  }

  async #load() {
    this.#stale = false; // unless somebody says otherwise while this is under way
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

  /** Lets the server know this browser, and learns which conversation it was in. */
  async #meet() {
    const { current } = await this.#server.current();
    this.#known = true;
    if (this.#state.sessionId) {
      return; // it was chosen meanwhile
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

  /** Whether a conversation has a message whose answer was not waited for. */
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
    this.#known = false; // it may be the cookie that is gone
    const { sessionId, outbox } = this.#state;
    if (!outbox.length) {
      this.#memory.leave(sessionId); // else it is what a reload has to explain again
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

  /** Tells the server which conversation is shown; where that fails, a later visit looks it up. */
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
