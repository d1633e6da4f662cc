// What the visitor and other tabs do to the conversation that is shown, and what is kept of it.

import { newId } from "../api.js";
import * as state from "./state.js";
import { Sync } from "./sync.js";

const ALL = "all";

/**
 * The chat with a `server`, remembered in `memory`. `channel` joins the tabs of this browser.
 * `tell.state` gets every new state, `tell.giveBack` a text that was written and cannot be sent any
 * more as it was meant. Nothing happens before `open`.
 */
export class Chat {
  state = state.create();
  #server;
  #memory;
  #tell;
  #tabs;
  #sync;
  #chosen = false; // whether the visitor chose what is shown, and no other tab may
  #closing = new AbortController();

  constructor(server, memory, channel, tell) {
    this.#server = server;
    this.#memory = memory;
    this.#tell = tell;
    this.#tabs = new BroadcastChannel(channel);
    this.#sync = new Sync(server, memory, {
      state: () => this.state,
      change: (next) => this.#change(next),
      announce: (news) => this.#announce(news),
      signal: this.#closing.signal,
    });
  }

  /** Shows the conversation this browser was in, and goes on with what was not sent. */
  open() {
    const { signal } = this.#closing;
    this.#tabs.addEventListener("message", ({ data }) => this.#heard(data), { signal });
    document.addEventListener("visibilitychange", () => this.#look(), { signal });
    this.#sync.open();
    this.#resume();
  }

  /** Ends it; what is under way is broken off, and is found again when the chat is opened anew. */
  close() {
    this.#closing.abort();
    this.#tabs.close();
    this.#sync.close();
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
    this.#change(state.hold(this.state, id));
    this.#keep(id);
    this.#sync.wake();
  }

  /** Takes a message back that is not sent, and gives its text; a correction of facts has none. */
  withdraw(id) {
    const entry = this.state.outbox.find((one) => one.id === id);
    this.#memory.drop(id);
    this.#announce({ withheld: id });
    this.#change(state.withdraw(this.state, id));
    return entry && !entry.facts ? entry.text : "";
  }

  /** Does not wait any longer: neither for an answer nor for the analysis. */
  stop() {
    this.#sync.breakOff();
    for (const { id, status } of this.state.outbox) {
      if (status !== "failed") {
        this.#change(state.stop(this.state, id));
        this.#keep(id);
        this.#announce({ withheld: id });
      }
    }
    if (this.state.analysis.status !== "resting") {
      this.#change(state.analyse(this.state, { status: "stopped" }));
    }
  }

  /** Runs the analysis, or resumes it. */
  analyze() {
    this.#sync.analyze();
  }

  /** Begins a new conversation; this one stays, and what it was not told is given back. */
  begin() {
    this.#choose(null);
  }

  /** Begins a new conversation with what could not be told to one that is gone. */
  beginWithUnsent() {
    const text = state.joinUnsent(this.state);
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
    if (next !== this.state && !this.#closing.signal.aborted) {
      this.state = next;
      this.#tell.state(next);
    }
  }

  /** Shows a conversation with what was kept for it, or with null a new one. */
  #enter(sessionId) {
    const kept = sessionId ? state.filterUnsent(this.#memory.unsent, sessionId) : [];
    this.#change(state.open(this.state, sessionId, state.restore(kept)));
    this.#sync.refresh();
  }

  /** Shows what this browser was in last; where it does not know, the server is asked. */
  #resume() {
    const { unsent, sessionId } = this.#memory;
    const opening = state.filterUnsent(unsent, null);
    const found = state.choose(unsent, sessionId);
    if (found) {
      this.#enter(found);
    } else {
      const opened = state.open(this.state, null, state.restore(opening));
      this.#change(opening.length ? opened : state.seek(opened));
      this.#sync.wake();
    }
  }

  /** Goes away from the conversation shown; of what it was to be told, corrections wait for it. */
  #leave({ isGone = false } = {}) {
    this.#sync.breakOff();
    for (const { id, facts } of this.state.outbox) {
      if (isGone || !facts) {
        this.#memory.drop(id);
        this.#announce({ withheld: id });
      }
    }
  }

  #choose(sessionId) {
    const text = state.joinUnsent(this.state);
    this.#chosen = true;
    this.#sync.point(sessionId);
    this.#leave();
    this.#memory.sessionId = sessionId;
    this.#enter(sessionId);
    this.#tell.giveBack(text);
  }

  /** Goes from a conversation that is not there any more to a new one. */
  #replace() {
    this.#leave({ isGone: true });
    this.#memory.leave(this.state.sessionId);
    this.#enter(null);
  }

  /** Shows nothing of what was deleted any more. */
  #forget(gone, news) {
    for (const { id, sessionId } of this.#memory.unsent) {
      if (sessionId && (gone === ALL || gone === sessionId)) {
        this.#memory.drop(id); // what is to open a conversation belongs to none that is gone
      }
    }
    this.#memory.leave(gone === ALL ? this.#memory.sessionId : gone);
    if (gone === ALL || gone === this.state.sessionId) {
      const text = state.joinUnsent(this.state);
      this.#replace();
      this.#tell.giveBack(text);
    }
    this.#change(state.setNews(this.state, news));
  }

  #write({ id, text, facts }) {
    const { ended } = this.state;
    let whole = text;
    if (ended && !facts) {
      whole = [state.joinUnsent(this.state), text].filter(Boolean).join("\n");
      this.#replace();
    }
    this.#change(state.write(this.state, { id, text: whole, facts }));
    if (ended && facts) {
      this.#change(state.fail(this.state, id, ended)); // there is nothing left to correct
      return;
    }
    this.#keep(id);
    this.#sync.wake();
  }

  #keep(id) {
    const entry = this.state.outbox.find((one) => one.id === id);
    if (entry) {
      this.#memory.keep(entry);
    }
  }

  /** Lets the other tabs know. */
  #announce(news) {
    if (!this.#closing.signal.aborted) {
      this.#tabs.postMessage(news);
    }
  }

  #heard({ gone, changed, withheld }) {
    const { sessionId } = this.state;
    if (withheld && withheld !== this.#sync.sendingId) {
      this.#change(state.withdraw(this.state, withheld)); // it is in sight there
    } else if (gone && sessionId && (gone === ALL || gone === sessionId)) {
      this.#forget(sessionId, "gone_elsewhere"); // what else goes is the other tab's affair
    } else if (changed && (changed === sessionId || (this.#isNew && !this.#chosen))) {
      this.#follow(changed);
    }
  }

  /** Another tab has said something in this conversation, or the first thing of all. */
  #follow(sessionId) {
    if (!this.state.sessionId) {
      this.#change(state.open(this.state, sessionId));
    }
    this.#sync.refresh();
  }

  #look() {
    if (document.visibilityState !== "visible") {
      this.draft(this.#memory.draft); // this tab may be closed: the next one has what was written here
      return;
    }
    const { sessionId } = this.#memory;
    if (sessionId && this.#isNew && !this.#chosen) {
      this.#change(state.open(this.state, sessionId)); // another tab began it meanwhile
    }
    if (this.state.sessionId) {
      // A tab that was closed may have left something.
      const left = state.filterUnsent(this.#memory.unsent, this.state.sessionId);
      this.#change(state.join(this.state, left));
    }
    this.#sync.refresh();
  }
}
