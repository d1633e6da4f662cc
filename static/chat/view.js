// What the element shows of the chat's state.

import { arrange, make, sendOnEnter } from "../view.js";
import { Announcer } from "./announcer.js";
import { Confirmation, Conversations, button } from "./dialogs.js";
import { Facts } from "./facts.js";
import { Log } from "./log.js";
import { Progress } from "./progress.js";
import { Results } from "./results.js";
import { entries, isFollowed, isSending, isUnsent } from "./state.js";

/** The parts of the element, in its shadow root, and the chat they act upon. */
export class View {
  #t;
  #chat;
  #announcer = new Announcer();
  #log;
  #field;
  #send;
  #stop;
  #label;
  #chips;
  #banner = make("div", "banner");
  #intro;
  #begin;
  #analysis;
  #facts;
  #results;
  #list;
  #confirmation;
  #told = {};
  element;

  constructor(t, chat, draft) {
    this.#t = t;
    this.#chat = chat;
    const act = this.#acts();
    this.#log = new Log(t, act);
    this.#confirmation = new Confirmation(t);
    this.#list = new Conversations(t, act, this.#confirmation);
    this.#facts = new Facts(t, { onCorrect: (facts) => this.#correct(facts) });
    this.#results = new Results(t);
    this.#analysis = new Progress(t, {
      run: () => chat.analyze(),
      see: () => this.#results.element.scrollIntoView({ block: "start" }),
    });
    this.#intro = make("p", "intro", t("chat.intro"));
    this.#chips = Object.assign(make("div", "chips"), { role: "group", ariaLabel: t("chat.suggestions") });
    this.#chips.part = "suggestions";
    this.#begin = button("quiet", t("chat.begin"), () => this.#beginAnew());
    const open = button("quiet", t("chat.list"), () => this.#list.show(chat.state.sessionId));
    const header = make("header", "", make("h2", "", t("title")), make("p", "row", open, this.#begin));
    header.part = "header";
    const talk = make("section", "talk", this.#intro, this.#log.element,
      this.#analysis.element, this.#chips, this.#banner, this.#composer(draft));
    talk.ariaLabel = t("chat.conversation");
    const found = make("section", "found", this.#facts.element, this.#results.element);
    found.ariaLabel = t("analysis.title");
    const footer = make("footer", "", make("p", "", t("disclaimer")),
      t.language === "en" ? "" : make("p", "", t("language_note")));
    this.element = make("div", "chat", header, make("div", "columns", talk, found), footer,
      this.#announcer.element, this.#list.element, this.#confirmation.element);
    this.element.part = "chat";
  }

  /** Puts a text that could not be sent back to where one writes, before what is there. */
  giveBack(text) {
    if (text) {
      this.#field.value = [text, this.#field.value].filter(Boolean).join("\n");
      this.#chat.draft(this.#field.value);
    }
  }

  /** Shows a state. */
  update(state) {
    const { conversation } = state;
    const shown = entries(state);
    const busy = isSending(state);
    const isRunning = isFollowed(state);
    this.#log.element.hidden = !shown.length; // before it is filled, or it cannot be scrolled to its end
    this.#log.update(shown, { isSending: busy, isRead: state.ready });
    this.#intro.hidden = shown.length > 0;
    this.#label.textContent = this.#t(this.#step(state));
    this.#begin.hidden = !shown.length;
    this.#stop.hidden = !isRunning && !isUnsent(state);
    this.#suggest(state, shown, busy || isRunning);
    this.#analysis.update(state);
    const facts = conversation?.facts ?? [];
    const analyzed = conversation?.analyzed ? conversation : null;
    this.#facts.update({ facts, busy });
    this.#facts.element.hidden = !facts.length;
    this.#results.update({ analysis: analyzed, facts });
    this.#explain(state);
    this.#announce(state);
    this.element.dataset.state = state.busy || isRunning ? "busy" : "idle";
  }

  #acts() {
    const chat = this.#chat;
    return {
      said: (error) => this.#said(error),
      retry: (id) => chat.retry(id),
      edit: (id) => {
        this.giveBack(chat.withdraw(id));
        this.#field.focus();
      },
      copy: (text) => this.#copy(text),
      list: () => chat.list(),
      open: (id) => chat.change(id),
      remove: (id) => chat.remove(id),
      clear: () => chat.clear(),
    };
  }

  #composer(draft) {
    const t = this.#t;
    this.#field = Object.assign(make("textarea", "field"), { rows: 2, dir: "auto", value: draft, id: "field" });
    this.#field.setAttribute("aria-describedby", "hint");
    this.#label = Object.assign(make("label", ""), { htmlFor: "field" });
    this.#send = make("button", "send", t("chat.send"));
    this.#stop = button("quiet", t("chat.stop"), () => {
      this.#chat.stop();
      this.#field.focus();
    });
    const hint = Object.assign(make("span", "hint", t("chat.hint")), { id: "hint" });
    const form = make("form", "composer", this.#label, this.#field,
      make("p", "row", this.#send, this.#stop, hint));
    form.part = "composer";
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    sendOnEnter(this.#field);
    this.#field.addEventListener("input", () => this.#chat.draft(this.#field.value));
    return form;
  }

  #submit() {
    const text = this.#field.value;
    if (text.trim()) {
      this.#field.value = "";
      this.#chat.draft("");
      this.#chat.say(text);
    }
    this.#field.focus();
  }

  #correct(facts) {
    const labels = new Map((this.#chat.state.conversation?.facts ?? []).map((fact) => [fact.name, fact.label]));
    const names = Object.keys(facts).map((name) => labels.get(name) ?? name);
    this.#chat.correct(facts, this.#t("chat.correction", { facts: names.join(", ") }));
  }

  #suggest(state, shown, isBusy) {
    const texts = shown.length ? state.conversation?.suggestions ?? [] : this.#t("chat.examples").split("\n");
    const wanted = state.ready && !isBusy && !state.outbox.length && !state.ended ? texts : [];
    arrange(this.#chips, wanted.map((text) => ({ id: text })), ({ id: text }) => {
      const chip = button("chip", text, () => {
        this.#chat.say(text);
        this.#field.focus(); // the chip goes away with what it says
      });
      chip.lang = "en";
      return chip;
    });
    this.#chips.hidden = !wanted.length;
  }

  #step({ conversation, ended }) {
    if (!conversation || ended) {
      return "chat.product";
    }
    return conversation.analyzed ? "chat.question" : "chat.answer";
  }

  /** Says above the composer what keeps the chat from going on, and offers what helps. */
  #explain(state) {
    const { ended, link, outbox } = state;
    const key = JSON.stringify([ended?.code, link.code ?? link, outbox.length > 0, state.ready, state.news]);
    if (this.#told.banner === key) {
      return;
    }
    this.#told.banner = key;
    const parts = this.#banner;
    parts.replaceChildren();
    if (ended) {
      const label = this.#t(outbox.length ? "ended.begin_with_text" : "ended.begin");
      parts.append(this.#note(this.#t("ended.explained", { reason: this.#said(ended) }),
        button("", label, () => {
          this.#chat.beginWithUnsent();
          this.#field.focus();
        })));
    } else if (link !== "up") {
      parts.append(this.#note(this.#linkSaid(state)));
    } else if (state.news) {
      parts.append(this.#note(this.#t(`news.${state.news}`)));
    }
  }

  #linkSaid({ link, outbox, ready }) {
    const what = outbox.length ? "held" : ready ? "reading" : "restoring";
    return link === "offline" ? this.#t(`link.offline_${what}`)
      : this.#t(`link.${what}`, { reason: this.#said(link) });
  }

  #note(sentence, ...more) {
    return make("div", "notice", make("p", "", sentence), ...more);
  }

  #announce(state) {
    const banner = this.#banner.textContent && this.#banner.querySelector("p").textContent;
    if (this.#told.sentence !== banner) {
      this.#told.sentence = banner;
      this.#announcer.say(banner);
    }
    const failed = state.outbox.find(({ status, error }) => status === "failed" && error);
    if (failed && this.#told.failed !== failed.id) {
      this.#announcer.say(this.#said(failed.error));
    }
    this.#told.failed = failed?.id;
    const progress = this.#analysis.sentence;
    if (this.#told.progress !== progress) {
      this.#told.progress = progress;
      this.#announcer.say(progress);
    }
  }

  /** A refusal in the reader's language, or in the server's words. */
  #said(error) {
    const name = `errors.${error.code}`;
    return this.#t.language !== "en" && this.#t.has(name) ? this.#t(name) : error.message;
  }

  #beginAnew() {
    this.#chat.begin();
    this.#field.focus();
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.#announcer.say(this.#t("chat.copied"));
    } catch {
      this.#announcer.say(this.#t("chat.not_copied"));
    }
  }
}
