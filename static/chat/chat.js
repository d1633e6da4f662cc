// The actions of the visitor and of other tabs on the conversation that is shown.

import { newId } from "../api.js";
import * as state from "./state.js";
import { Sync } from "./sync.js";

const ALL = "all";

/**
 * The chat with a `server`, persisted in `memory`. `channel` connects the tabs of this browser.
 * `on.state` gets every new state, `on.giveBack` a text that can no longer be sent where it was meant
 * to go. Nothing happens before `open`.
 */
export class Chat {
  state = state.create();
  #server;
  #memory;
  #on;
  #tabs;
  #sync;
  #chosen = false; // whether the visitor chose what is shown, so that other tabs must not change it
  #closing = new AbortController();

  constructor(server, memory, channel, on) {
    this.#server = server;
    this.#memory = memory;
    this.#on = on;
    this.#tabs = new BroadcastChannel(channel);
    this.#sync = new Sync(server, memory, {
      state: () => this.state,
      change: (next) => this.#change(next),
      announce: (news) => this.#announce(news),
      signal: this.#closing.signal,
    });
  }

  /** Shows the latest conversation of this browser, and sends what is still unsent. */
  open() {
    const { signal } = this.#closing;
    this.#tabs.addEventListener("message", ({ data }) => this.#handleNews(data), { signal });
    document.addEventListener("visibilitychange", () => this.#handleVisibility(), { signal });
    this.#sync.open();
    this.#resume();
  }

  /** Closes the chat; requests under way are aborted, and resumed when it is opened again. */
  close() {
    this.#closing.abort();
    this.#tabs.close();
    this.#sync.close();
  }

  /** Whether this seems to be the first visit. */
  get #isNew() {
    return !this.state.sessionId && !this.state.outbox.length;
  }

  /** Sends a text; it opens a conversation if there is none, or if it has ended. */
  say(text) {
    this.#write({ id: newId(), text });
  }

  /** Corrects facts, by name; `text` is shown until the server's wording comes. */
  correct(facts, text) {
    this.#write({ id: newId(), text, facts });
  }

  /** Sends a message again that failed or was stopped. */
  retry(id) {
    this.#change(state.hold(this.state, id));
    this.#keep(id);
    this.#sync.wake();
  }

  /** Withdraws an unsent message and returns its text; a correction of facts has none. */
  withdraw(id) {
    const entry = this.state.outbox.find((one) => one.id === id);
    this.#memory.drop(id);
    this.#announce({ withheld: id });
    this.#change(state.withdraw(this.state, id));
    return entry && !entry.facts ? entry.text : "";
  }

  /** Stops waiting, both for answers and for the analysis. */
  stop() {
    this.#sync.abort();
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

  /** Starts a new conversation; this one is kept, and its unsent text is given back. */
  begin() {
    this.#choose(null);
  }

  /** Starts a new conversation with the text that could not be sent to the one that is gone. */
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

  /** Everything that the server has stored of this browser, or a Refusal. */
  export() {
    return this.#server.export();
  }

  /** Deletes all of it, and what the browser itself has stored, or throws a Refusal. */
  async erase() {
    await this.#server.erase();
    this.#announce({ gone: ALL });
    this.#sync.introduce();
    this.draft("");
    this.#forget(ALL, "erased");
  }

  /** Saves the draft. */
  draft(text) {
    this.#memory.draft = text;
  }

  #change(next) {
    if (next !== this.state && !this.#closing.signal.aborted) {
      this.state = next;
      this.#on.state(next);
    }
  }

  /** Shows a conversation with its unsent messages, or with null a new one. */
  #enter(sessionId) {
    const kept = sessionId ? state.filterUnsent(this.#memory.unsent, sessionId) : [];
    this.#change(state.open(this.state, sessionId, state.restore(kept)));
    this.#sync.refresh();
  }

  /** Shows the latest conversation; if the browser does not know it, the server is asked. */
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

  /** Leaves the conversation that is shown; of its unsent messages only corrections are kept. */
  #leave({ isGone = false } = {}) {
    this.#sync.abort();
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
    this.#on.giveBack(text);
  }

  /** Replaces a conversation that no longer exists by a new one. */
  #replace() {
    this.#leave({ isGone: true });
    this.#memory.leave(this.state.sessionId);
    this.#enter(null);
  }

  /** Removes what was deleted from the page. */
  #forget(gone, news) {
    for (const { id, sessionId } of this.#memory.unsent) {
      if (sessionId && (gone === ALL || gone === sessionId)) {
        this.#memory.drop(id); // a message that opens a conversation belongs to none
      }
    }
    this.#memory.leave(gone === ALL ? this.#memory.sessionId : gone);
    if (gone === ALL || gone === this.state.sessionId) {
      const text = state.joinUnsent(this.state);
      this.#replace();
      this.#on.giveBack(text);
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
      this.#change(state.fail(this.state, id, ended)); // nothing is left to correct
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

  /** Notifies the other tabs. */
  #announce(news) {
    if (!this.#closing.signal.aborted) {
      this.#tabs.postMessage(news);
    }
  }

  #handleNews({ gone, changed, withheld }) {
    const { sessionId } = this.state;
    if (withheld && withheld !== this.#sync.sendingId) {
      this.#change(state.withdraw(this.state, withheld)); // the other tab shows it
    } else if (gone && sessionId && (gone === ALL || gone === sessionId)) {
      this.#forget(sessionId, "gone_elsewhere"); // the other tab handles the rest
    } else if (changed && (changed === sessionId || (this.#isNew && !this.#chosen))) {
      this.#follow(changed);
    }
  }

  /** Another tab has written to this conversation, or opened the first one. */
  #follow(sessionId) {
    if (!this.state.sessionId) {
      this.#change(state.open(this.state, sessionId));
    }
    this.#sync.refresh();
  }

  #handleVisibility() {
    if (document.visibilityState !== "visible") {
      this.draft(this.#memory.draft); // this tab may be closed: the next one gets its draft
      return;
    }
    const { sessionId } = this.#memory;
    if (sessionId && this.#isNew && !this.#chosen) {
      this.#change(state.open(this.state, sessionId)); // another tab opened it meanwhile
    }
    if (this.state.sessionId) {
      // A tab that was closed may have left unsent messages.
      const left = state.filterUnsent(this.#memory.unsent, this.state.sessionId);
      this.#change(state.join(this.state, left));
    }
    this.#sync.refresh();
  }
}
