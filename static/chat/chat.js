// Keeps the chat's state in step with the server, with other tabs, and with what is remembered.
//
// What is written goes into the outbox and is sent in its order. While the server cannot be
// reached it waits there, and is sent when the server is back; the same message has the same id
// however often it is sent, and therefore the effect of one.

import { newId } from "../api.js";
import { Analysis } from "./analysis.js";
import { passes, pauseAfter } from "./patience.js";
import { Refusal } from "./server.js";
import * as state from "./state.js";

const ALL = "all";

/**
 * The chat with a `server`, remembered in `memory`. `channel` joins the tabs of this browser.
 * `tell.state` gets every new state, `tell.giveBack` a text that was written and cannot be sent any
 * more as it was meant. Nothing happens before `open`.
 */
export class Chat {
  state = state.empty();
  #server;
  #memory;
  #tell;
  #tabs;
  #analysis;
  #known; // whether the browser has what a conversation is its own by: the server's cookie
  #stale = true; // whether the server may have something newer than the state
  #closed = false;
  #failures = 0;
  #timer = 0;
  #sending = null; // the message that is on its way, and what breaks it off
  #pointer; // the conversation that the server is to be told is shown
  #chosen = false; // whether the visitor chose what is shown, and no other tab may
  #ears = new AbortController();

  constructor(server, memory, channel, tell) {
    this.#server = server;
    this.#memory = memory;
    this.#tell = tell;
    this.#known = server.isHome;
    this.#tabs = new BroadcastChannel(channel);
    this.#analysis = new Analysis(server, {
      change: (change) => this.#change(state.analysing(this.state, change)),
      done: () => this.#analyzed(),
      gone: (error) => this.#end(error),
    });
  }

  /** Shows the conversation this browser was in, and goes on with what was not sent. */
  open() {
    const signal = this.#ears.signal;
    this.#tabs.addEventListener("message", ({ data }) => this.#heard(data), { signal });
    addEventListener("online", () => this.#wake(), { signal });
    addEventListener("offline", () => this.#change(state.linked(this.state, "offline")), { signal });
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    if (navigator.onLine === false) {
      this.#change(state.linked(this.state, "offline"));
    }
    this.#resume();
  }

  /** Ends it; what is under way is broken off, and is found again when the chat is opened anew. */
  close() {
    this.#closed = true;
    this.#ears.abort();
    this.#tabs.close();
    this.#rest();
  }

  /** Whether this is the first visit, as far as is known here. */
  get #isNew() {
    return !this.state.sessionId && !this.state.outbox.length;
  }

  /** Sends a text; the first one opens a conversation, as does one after the end of another. */
  say(text) {
    this.#write({ id: newId(), text });
  }

  /** Corrects facts, by name; `text` is what is shown until the server words it. */
  correct(facts, text) {
    this.#write({ id: newId(), text, facts });
  }

  /** Sends a message again that failed or was stopped. */
  retry(id) {
    this.#change(state.held(this.state, id));
    this.#keep(id);
    this.#wake();
  }

  /** Takes a message back that is not sent, and gives its text; a correction of facts has none. */
  withdraw(id) {
    const entry = this.state.outbox.find((one) => one.id === id);
    this.#memory.drop(id);
    this.#announce({ withheld: id });
    this.#change(state.withdrawn(this.state, id));
    return entry && !entry.facts ? entry.text : "";
  }

  /** Does not wait any longer: neither for an answer nor for the analysis. */
  stop() {
    if (this.#sending) {
      this.#sending.broken.abort();
    }
    for (const { id, status } of this.state.outbox) {
      if (status !== "failed") {
        this.#change(state.stopped(this.state, id));
        this.#keep(id);
        this.#announce({ withheld: id });
      }
    }
    if (this.state.analysis.status !== "resting") {
      this.#analysis.end();
      this.#change(state.analysing(this.state, { status: "stopped" }));
    }
  }

  /** Runs the analysis, or resumes it. */
  analyze() {
    this.#analysis.follow(this.state.sessionId);
  }

  /** Begins a new conversation; this one stays, and what it was not told is given back. */
  begin() {
    this.#choose(null);
  }

  /** Begins a new conversation with what could not be told to one that is gone. */
  beginWithUnsent() {
    const text = state.unsentText(this.state);
    this.#replace();
    if (text) {
      this.say(text);
    }
  }

  /** Shows another conversation of this browser. */
  change(sessionId) {
    this.#choose(sessionId);
  }

  /** This browser's conversations, or a Refusal. */
  async list() {
    return (await this.#server.conversations()).conversations;
  }

  /** Deletes a conversation of this browser, or throws a Refusal. */
  async remove(sessionId) {
    await this.#server.remove(sessionId);
    this.#announce({ gone: sessionId });
    this.#forget(sessionId, "removed");
  }

  /** Deletes all conversations of this browser, or throws a Refusal. */
  async clear() {
    await this.#server.clear();
    this.#announce({ gone: ALL });
    this.#forget(ALL, "cleared");
  }

  /** Keeps what is being written. */
  draft(text) {
    this.#memory.draft = text;
  }

  #change(next) {
    if (next !== this.state && !this.#closed) {
      this.state = next;
      this.#tell.state(next);
    }
  }

  /** Shows a conversation with what was kept for it, or with null a new one. */
  #enter(sessionId) {
    const kept = sessionId ? state.unsentOf(this.#memory.unsent, sessionId) : [];
    this.#change(state.opened(this.state, sessionId, state.restored(kept)));
    this.#stale = true;
    this.#wake();
  }

  /** Shows what this browser was in last; where it does not know, the server is asked. */
  #resume() {
    const { unsent, sessionId } = this.#memory;
    const opening = state.unsentOf(unsent, null);
    const found = state.toOpen(unsent, sessionId);
    if (found) {
      this.#enter(found);
    } else {
      const opened = state.opened(this.state, null, state.restored(opening));
      this.#change(opening.length ? opened : state.sought(opened));
      this.#wake();
    }
  }

  /** Goes away from the conversation shown; of what it was to be told, corrections wait for it. */
  #leave({ isGone = false } = {}) {
    this.#rest();
    for (const { id, facts } of this.state.outbox) {
      if (isGone || !facts) {
        this.#memory.drop(id);
        this.#announce({ withheld: id });
      }
    }
  }

  #choose(sessionId) {
    const text = state.unsentText(this.state);
    this.#chosen = true;
    this.#pointer = sessionId;
    this.#leave();
    this.#memory.sessionId = sessionId;
    this.#enter(sessionId);
    this.#tell.giveBack(text);
  }

  /** Goes from a conversation that is not there any more to a new one. */
  #replace() {
    this.#leave({ isGone: true });
    this.#unremember(this.state.sessionId);
    this.#enter(null);
  }

  #unremember(sessionId) {
    if (this.#memory.sessionId === sessionId) {
      this.#memory.sessionId = null; // else another tab shows another one
    }
  }

  /** Shows nothing of what was deleted any more. */
  #forget(gone, news) {
    for (const { id, sessionId } of this.#memory.unsent) {
      if (sessionId && (gone === ALL || gone === sessionId)) {
        this.#memory.drop(id); // what is to open a conversation belongs to none that is gone
      }
    }
    this.#unremember(gone === ALL ? this.#memory.sessionId : gone);
    if (gone === ALL || gone === this.state.sessionId) {
      const text = state.unsentText(this.state);
      this.#replace();
      this.#tell.giveBack(text);
    }
    this.#change(state.told(this.state, news));
  }

  /** Breaks off all that is under way. */
  #rest() {
    clearTimeout(this.#timer);
    this.#sending?.broken.abort();
    this.#analysis.end();
  }

  #write({ id, text, facts }) {
    const { ended } = this.state;
    let whole = text;
    if (ended && !facts) {
      whole = [state.unsentText(this.state), text].filter(Boolean).join("\n");
      this.#replace();
    }
    this.#change(state.written(this.state, { id, text: whole, facts }));
    if (ended && facts) {
      this.#change(state.failed(this.state, id, ended)); // there is nothing left to correct
      return;
    }
    this.#keep(id);
    this.#wake();
  }

  #keep(id) {
    const entry = this.state.outbox.find((one) => one.id === id);
    if (entry) {
      this.#memory.keep(entry);
    }
  }

  /** Lets the other tabs know. */
  #announce(news) {
    if (!this.#closed) {
      this.#tabs.postMessage(news);
    }
  }

  #heard({ gone, changed, withheld }) {
    const { sessionId } = this.state;
    if (withheld && withheld !== this.#sending?.id) {
      this.#change(state.withdrawn(this.state, withheld)); // it is in sight there
    } else if (gone && sessionId && (gone === ALL || gone === sessionId)) {
      this.#forget(sessionId, "gone_elsewhere"); // what else goes is the other tab's affair
    } else if (changed && (changed === sessionId || (this.#isNew && !this.#chosen))) {
      this.#follow(changed);
    }
  }

  /** Another tab has said something in this conversation, or the first thing of all. */
  #follow(sessionId) {
    if (!this.state.sessionId) {
      this.#change(state.opened(this.state, sessionId));
    }
    this.#stale = true;
    this.#wake();
  }

  #look() {
    if (document.visibilityState !== "visible") {
      this.draft(this.#memory.draft); // this tab may be closed: the next one has what was written here
      return;
    }
    const { sessionId } = this.#memory;
    if (sessionId && this.#isNew && !this.#chosen) {
      this.#change(state.opened(this.state, sessionId)); // another tab began it meanwhile
    }
    if (this.state.sessionId) {
      // A tab that was closed may have left something.
      const left = state.unsentOf(this.#memory.unsent, this.state.sessionId);
      this.#change(state.joined(this.state, left));
    }
    this.#stale = true;
    this.#wake();
  }

  #wake() {
    clearTimeout(this.#timer);
    this.#catchUp();
  }

  async #catchUp() {
    if (this.state.busy || this.#closed) {
      return;
    }
    this.#change(state.occupied(this.state, true));
    try {
      while (!this.#closed && await this.#step());
      this.#failures = 0;
      this.#change(state.linked(this.state, "up"));
    } catch (error) {
      this.#pause(error);
    } finally {
      if (state.isDue(this.state) && !this.#closed) {
        this.analyze();
      }
      this.#change(state.occupied(this.state, false));
    }
  }

  /** Does the next thing there is to do with the server; false if there is none. */
  async #step() {
    const entry = state.next(this.state);
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
    const { sessionId, ready } = this.state;
    const isInDoubt = this.#stale && state.isInDoubt(this.state);
    return sessionId ? ready : this.#known && !isInDoubt;
  }

  async #deliver(entry) {
    const broken = new AbortController();
    this.#sending = { id: entry.id, broken };
    this.#change(state.sending(this.state, entry.id));
    const { complete } = this.state.conversation ?? {};
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
    const isShown = this.state.outbox.some((entry) => entry.id === id);
    this.#change(state.answered(this.state, id, answer, new Date().toISOString()));
    const { sessionId, outbox } = this.state;
    if (isShown) {
      this.#memory.sessionId = sessionId;
      outbox.forEach((entry) => this.#memory.keep(entry)); // they belong to this one now
      this.#stale = true;
    }
    this.#announce({ changed: answer.session_id ?? meant });
  }

  #explain(id, error, isStopped) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    if (isStopped) {
      this.#stale = true; // it may have been taken all the same
    } else if (error.gone) {
      this.#end(error);
    } else if (passes(error)) {
      this.#change(state.held(this.state, id));
      throw error;
    } else {
      this.#stale = true; // it may be there in spite of the refusal
      this.#change(state.failed(this.state, id, error));
    }
  }

  async #load() {
    this.#stale = false; // unless somebody says otherwise while this is under way
    let { sessionId } = this.state;
    try {
      if (!sessionId && (!this.#known || !this.state.ready || state.isInDoubt(this.state))) {
        await this.#meet();
        ({ sessionId } = this.state);
      }
      const conversation = sessionId && await this.#server.conversation(sessionId);
      if (conversation && sessionId === this.state.sessionId) {
        this.#learn(conversation);
      }
    } catch (error) {
      if (!(error instanceof Refusal) || !error.gone) {
        this.#stale = true;
        throw error;
      }
      if (sessionId === this.state.sessionId) {
        this.#end(error);
      }
    }
  }

  #learn(conversation) {
    this.#change(state.loaded(this.state, conversation));
    const known = state.knownIds(conversation);
    this.#memory.unsent.filter(({ id }) => known.has(id)).forEach(({ id }) => this.#memory.drop(id));
  }

  /** Lets the server know this browser, and learns which conversation it was in. */
  async #meet() {
    const { current } = await this.#server.current();
    this.#known = true;
    if (this.state.sessionId) {
      return; // it was chosen meanwhile
    }
    if (!this.state.ready) {
      const found = this.#isNew ? current : null;
      this.#memory.sessionId = found;
      this.#change(state.opened(this.state, found, this.state.outbox));
    } else if (current && state.isInDoubt(this.state) && await this.#hasTaken(current)) {
      this.#change(state.begun(state.sought(this.state), current));
      this.#memory.sessionId = current;
      this.state.outbox.forEach((entry) => this.#memory.keep(entry));
    }
  }

  /** Whether a conversation has a message whose answer was not waited for. */
  async #hasTaken(sessionId) {
    try {
      const known = state.knownIds(await this.#server.conversation(sessionId));
      return !this.state.sessionId && this.state.outbox.some(({ id }) => known.has(id));
    } catch (error) {
      if (error instanceof Refusal && error.gone) {
        return false;
      }
      throw error;
    }
  }

  #end(error) {
    this.#analysis.end();
    this.#stale = false;
    this.#known = false; // it may be the cookie that is gone
    if (!this.state.outbox.length) {
      this.#unremember(this.state.sessionId); // else it is what a reload has to explain again
    }
    this.#change(state.ended(this.state, error));
  }

  #analyzed() {
    this.#stale = true;
    this.#change(state.analysing(this.state, { status: "done" }));
    this.#announce({ changed: this.state.sessionId });
    this.#wake();
  }

  #pause(error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    this.#failures += 1;
    this.#change(state.linked(this.state, navigator.onLine === false ? "offline" : error));
    this.#timer = setTimeout(() => this.#wake(), pauseAfter(error, this.#failures));
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
