// The messages as they are shown: whole ones, with their times and what became of each.

import { arrange, make, text } from "../view.js";
import { render } from "./markdown.js";

const NEAR_PX = 80; // from the end, within which the newest message is kept in sight

/** The list of messages; `act.retry(id)`, `act.edit(id)` and `act.copy(text)` do what is asked. */
export class Log {
  #t;
  #act;
  #list;
  #typing;
  #clock;
  element;

  constructor(t, act) {
    this.#t = t;
    this.#act = act;
    this.#clock = clockOf(t.language);
    this.#list = Object.assign(make("div", "messages"), { role: "log", ariaLabel: t("chat.log") });
    this.#list.ariaRelevant = "additions"; // what becomes of a message is not read out with it
    this.#list.ariaBusy = "true";
    this.#typing = make("p", "typing", make("span", "dots"), t("chat.writing"));
    this.#typing.ariaHidden = "true";
    this.element = Object.assign(make("div", "log", this.#list, this.#typing), {
      part: "log", tabIndex: 0, role: "group", ariaLabel: t("chat.log"),
    });
  }

  /** Shows these entries; `isRead` tells whether what comes is to be read out. */
  update(entries, { isSending, isRead }) {
    const { element } = this;
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_PX;
    const count = this.#list.childElementCount;
    arrange(this.#list, entries, (entry) => this.#message(entry), (shown, entry) => {
      this.#renew(shown, entry);
    });
    this.#list.ariaBusy = String(!isRead);
    this.#typing.hidden = !isSending;
    if (isAtEnd || this.#list.childElementCount > count) {
      element.scrollTop = element.scrollHeight;
    }
  }

  #message({ role }) {
    const isUser = role === "user";
    const who = make("span", "unseen", this.#t(isUser ? "chat.you" : "chat.assistant"));
    const said = make("div", "said");
    if (!isUser) {
      said.lang = "en"; // whatever the language of the rest is
    }
    const kind = isUser ? "user" : "assistant";
    const article = make("article", `message ${kind}`, who, said, make("p", "meta"));
    article.part = `message ${kind}`;
    return article;
  }

  #renew(shown, entry) {
    const words = JSON.stringify([entry.text, entry.aside]);
    if (shown.dataset.words !== words) {
      shown.dataset.words = words;
      shown.querySelector(".said").replaceChildren(...this.#words(entry));
    }
    const state = JSON.stringify([entry.status, entry.error?.code, entry.at]);
    if (shown.dataset.state !== state) {
      shown.dataset.state = state;
      shown.dataset.status = entry.status;
      shown.querySelector(".meta").replaceChildren(...this.#meta(entry));
    }
  }

  #words({ role, text: words, aside }) {
    const said = role === "user" ? text("p", "words", words) : make("div", "words", ...render(words));
    const added = aside && make("p", "hint", `${this.#t("chat.proposed")} `, text("q", "", aside));
    return added ? [said, added] : [said];
  }

  #meta(entry) {
    const { id, role, status, at, error } = entry;
    const parts = at ? [this.#time(at)] : [];
    if (role !== "user") {
      return [...parts, this.#button("copy", () => this.#act.copy(entry.text))];
    }
    parts.push(make("span", "status", error ? this.#act.said(error) : this.#t(`chat.${status}`)));
    if (status === "failed" || status === "stopped") {
      parts.push(this.#button("retry", () => this.#act.retry(id)),
        this.#button("edit", () => this.#act.edit(id)));
    }
    return parts;
  }

  #button(name, act) {
    const button = make("button", "small", this.#t(`chat.${name}`));
    button.type = "button";
    button.addEventListener("click", act);
    return button;
  }

  #time(at) {
    const time = make("time", "", this.#clock(at));
    time.dateTime = at;
    return time;
  }
}

/** Tells a moment: today's by the hour, another day's with the day. */
export function clockOf(language) {
  const hour = new Intl.DateTimeFormat(language, { timeStyle: "short" });
  const day = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
  return (at) => {
    const moment = new Date(at);
    if (Number.isNaN(moment.getTime())) {
      return "";
    }
    return (moment.toDateString() === new Date().toDateString() ? hour : day).format(moment);
  };
}
