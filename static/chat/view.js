// The view of the chat's state.

import { arrange, make, makeButton, sendOnEnter } from "../view.js";
import { Announcer } from "./announcer.js";
import { Log } from "./log.js";
import { isFollowed, isSending, isUnsent, listEntries } from "./state.js";
import { loadStyles } from "./styles.js";
import { loadPart } from "./texts.js";

const RETRY_MS = 5_000;

/** The parts of the element, in its shadow root, and the chat on which they act. */
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
  #columns;
  #details = null; // loaded with the first answer
  #isLoading = false; // whether they are being loaded
  #isIncomplete = false; // whether loading them failed
  #list = null; // loaded when it is opened
  #announced = {};
  element;

  constructor(t, chat, draft) {
    this.#t = t;
    this.#chat = chat;
    const act = this.#buildActions();
    this.#log = new Log(t, act);
    this.#intro = make("p", "intro", t("chat.intro"));
    this.#chips = Object.assign(make("div", "chips"), { role: "group", ariaLabel: t("chat.suggestions") });
    this.#chips.part = "suggestions";
    this.#begin = makeButton("quiet", () => this.#beginAnew(), t("chat.begin"));
    const open = makeButton("quiet", () => this.#openList(), t("chat.list"));
    const header = make("header", "", make("h2", "", t("title")), make("p", "row", open, this.#begin));
    header.part = "header";
    const talk = make("section", "talk", this.#intro, this.#log.element,
      this.#chips, this.#banner, this.#makeComposer(draft));
    talk.ariaLabel = t("chat.conversation");
    this.#columns = make("div", "columns", talk);
    const footer = make("footer", "", make("p", "", t("disclaimer")),
      t.language === "en" ? "" : make("p", "", t("language_note")));
    this.element = make("div", "chat", header, this.#columns, footer,
      this.#announcer.element);
    this.element.part = "chat";
  }

  /** Puts an unsent text back into the field, before its content. */
  giveBack(text) {
    if (text) {
      const before = this.#field.value && `${text}\n`;
      this.#field.setRangeText(before || text, 0, 0, "preserve"); // the cursor stays where it is
      this.#chat.draft(this.#field.value);
    }
  }

  /** Shows a state; if the focused element disappears, the field or the log gets the focus. */
  update(state) {
    const focused = this.element.getRootNode().activeElement;
    this.#show(state);
    if (focused && !focused.checkVisibility()) {
      // On a touch screen the keyboard would cover the answer.
      const isTouched = matchMedia("(hover: none)").matches && !this.#log.element.hidden;
      (isTouched ? this.#log.element : this.#field).focus({ preventScroll: true });
    }
  }

  #show(state) {
    const shown = listEntries(state);
    const busy = isSending(state);
    const isRunning = isFollowed(state);
    this.#log.element.hidden = !shown.length; // before it is filled, else it cannot be scrolled to its end
    this.#log.update(shown, { isSending: busy, isRead: state.ready });
    this.#intro.hidden = shown.length > 0;
    this.#label.textContent = this.#t(this.#chooseLabel(state));
    this.#begin.hidden = !shown.length;
    this.#stop.hidden = !isRunning && !isUnsent(state);
    this.#suggest(state, shown, busy || isRunning);
    this.#detail(state);
    this.#explain(state);
    this.#announce(state);
    this.element.dataset.state = state.busy || isRunning || this.#isLoading ? "busy" : "idle";
  }

  #detail(state) {
    if (this.#details) {
      this.#details.update(state);
    } else if (state.conversation && !this.#isLoading) {
      this.#fetchDetails();
    }
  }

  /** Most visitors see only the first question, so the rest is loaded with its answer. */
  async #fetchDetails() {
    this.#isLoading = true;
    try {
      const [{ Details }, sheets] = await Promise.all([
        import("./details.js"), loadStyles(["results.css"]), loadPart(this.#t, "details"),
      ]);
      const root = this.element.getRootNode();
      root.adoptedStyleSheets = [...root.adoptedStyleSheets, ...sheets];
      this.#details = new Details(this.#t, this.#buildActions());
      this.#chips.before(this.#details.progress);
      this.#columns.append(this.#details.element);
      this.#isIncomplete = false;
    } catch { // the server is unavailable
      this.#isIncomplete = true;
      this.#explain(this.#chat.state);
      await new Promise((resolve) => { setTimeout(resolve, RETRY_MS); });
    }
    this.#isLoading = false;
    this.update(this.#chat.state);
  }

  #buildActions() {
    const chat = this.#chat;
    return {
      describe: (error) => this.#describe(error),
      retry: (id) => chat.retry(id),
      edit: (id) => {
        this.giveBack(chat.withdraw(id));
        this.#field.focus();
      },
      copy: (text) => this.#copy(text),
      correct: (facts) => this.#correct(facts),
      analyze: () => chat.analyze(),
      list: () => chat.list(),
      open: (id) => chat.change(id),
      remove: (id) => chat.remove(id),
      clear: () => chat.clear(),
      export: () => chat.export(),
      erase: () => chat.erase(),
    };
  }

  #makeComposer(draft) {
    const t = this.#t;
    this.#field = Object.assign(make("textarea", "field"), { rows: 2, dir: "auto", value: draft, id: "field" });
    this.#field.setAttribute("aria-describedby", "hint");
    this.#label = Object.assign(make("label", ""), { htmlFor: "field" });
    this.#send = make("button", "send", t("chat.send"));
    this.#stop = makeButton("quiet", () => this.#chat.stop(), t("chat.stop"));
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
    const wanted = state.ready && !isBusy && !isUnsent(state) && !state.ended ? texts : [];
    arrange(this.#chips, wanted.map((text) => ({ id: text })), ({ id: text }) => {
      const chip = makeButton("chip", () => this.#chat.say(text), text);
      chip.lang = "en";
      return chip;
    });
    this.#chips.hidden = !wanted.length;
  }

  #chooseLabel({ conversation, ended }) {
    if (!conversation || ended) {
      return "chat.product";
    }
    return conversation.analyzed ? "chat.question" : "chat.answer";
  }

  /** Shows above the composer what blocks the chat, with a button that helps. */
  #explain(state) {
    const { ended, link, outbox } = state;
    const key = JSON.stringify([ended?.code, link.code ?? link, outbox.length > 0, state.ready, state.news, this.#isIncomplete]);
    if (this.#announced.notice === key) {
      return;
    }
    this.#announced.notice = key;
    const parts = this.#banner;
    parts.replaceChildren();
    if (ended) {
      const label = this.#t(outbox.length ? "ended.begin_with_text" : "ended.begin");
      parts.append(this.#makeNotice(this.#describe(ended),
        makeButton("", () => this.#chat.beginWithUnsent(), label)));
    } else if (link !== "up") {
      parts.append(this.#makeNotice(this.#describeLink(state)));
    } else if (this.#isIncomplete) {
      parts.append(this.#makeNotice(this.#t("lacking")));
    } else if (state.news) {
      parts.append(make("div", "notice news", make("p", "", this.#t(`news.${state.news}`))));
    }
  }

  #describeLink({ link, outbox, ready }) {
    const what = outbox.length ? "held" : ready ? "reading" : "restoring";
    return link === "offline" ? this.#t(`link.offline_${what}`)
      : this.#t(`link.${what}`, { reason: this.#describe(link) });
  }

  #makeNotice(sentence, ...more) {
    return make("div", "notice", make("p", "", sentence), ...more);
  }

  #announce(state) {
    const banner = this.#banner.textContent && this.#banner.querySelector("p").textContent;
    this.#announceOnce("banner", banner);
    this.#announceOnce("progress", this.#details?.sentence ?? "");
    const failed = !state.ended && state.outbox.find(({ status, error }) => status === "failed" && error);
    this.#announceOnce("failed", failed ? this.#describe(failed.error) : "", failed?.id);
  }

  /** Announces a sentence unless it was the last one of its topic. */
  #announceOnce(topic, sentence, key = sentence) {
    if (this.#announced[topic] !== key) {
      this.#announced[topic] = key;
      this.#announcer.say(topic, sentence);
    }
  }

  /** Words a refusal in the reader's language, or as the server did. */
  #describe(error) {
    const name = `errors.${error.code}`;
    return this.#t.language !== "en" && this.#t.has(name) ? this.#t(name) : error.message;
  }

  async #openList() {
    try {
      const { Confirmation, Conversations } = await import("./dialogs.js");
      if (!this.#list) {
        const confirmation = new Confirmation(this.#t);
        this.#list = new Conversations(this.#t, this.#buildActions(), confirmation);
        this.element.append(this.#list.element, confirmation.element);
      }
    } catch {
      this.#announcer.say("list", this.#t("lacking"));
      this.#banner.replaceChildren(this.#makeNotice(this.#t("lacking")));
      this.#announced.notice = ""; // so that the next change removes it
      return;
    }
    this.#list.show(this.#chat.state.sessionId);
  }

  #beginAnew() {
    this.#chat.begin();
    this.#field.focus();
  }

  async #copy(text) {
    try {
      await navigator.clipboard.writeText(text);
      this.#announcer.say("copy", this.#t("chat.copied"));
    } catch {
      this.#announcer.say("copy", this.#t("chat.not_copied"));
    }
  }
}
