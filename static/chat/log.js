// The messages as they are shown, with their times and statuses.

import { arrange, make, makeButton, makeText, setText } from "../view.js";
import { createClock } from "./dates.js";
import { render } from "./markdown.js";

const NEAR_PX = 80; // the newest message is kept in view within this distance from the end
const QUIET_MS = 200; // after which screen readers no longer announce what was restored

/** The list of messages; its buttons call `act.retry(id)`, `act.edit(id)` and `act.copy(text)`. */
export class Log {
  #t;
  #act;
  #list;
  #typing;
  #clock;
  #words = new WeakMap(); // source text of the messages shown
  #timer = 0;
  #isAtEnd = true;
  element;

  constructor(t, act) {
    this.#t = t;
    this.#act = act;
    this.#clock = createClock(t.language);
    this.#list = Object.assign(make("div", "messages"), { role: "log", ariaLabel: t("chat.log") });
    this.#list.ariaRelevant = "additions"; // changed texts are not announced
    this.#list.ariaBusy = "true";
    this.#typing = make("p", "typing", make("span", "dots"), t("chat.writing"));
    this.#typing.ariaHidden = "true";
    this.element = Object.assign(make("div", "log", this.#list, this.#typing), {
      part: "log", tabIndex: 0, role: "group", ariaLabel: t("chat.log"),
    });
    this.#stayAtEnd();
  }

  /** Shows these entries; `isRead` says whether new ones are announced. */
  update(entries, { isSending, isRead }) {
    const last = this.#list.lastElementChild;
    arrange(this.#list, entries, (entry) => this.#makeMessage(entry), (shown, entry) => {
      this.#renew(shown, entry);
    });
    this.#setAnnounced(isRead);
    this.#typing.hidden = !isSending;
    const newest = this.#list.lastElementChild;
    if (newest !== last && newest?.matches(".user")) {
      this.#isAtEnd = true; // show what the visitor has just sent
    }
    this.#scroll();
  }

  /** Keeps the newest message in view, unless the visitor has scrolled up. */
  #stayAtEnd() {
    const { element } = this;
    let before = 0;
    element.addEventListener("scroll", () => {
      const { scrollTop: top, scrollHeight, clientHeight } = element;
      this.#isAtEnd = scrollHeight - top - clientHeight < NEAR_PX || (this.#isAtEnd && top >= before);
      before = top;
    });
    const sizes = new ResizeObserver(() => this.#scroll());
    sizes.observe(element);
    sizes.observe(this.#list);
  }

  #scroll() {
    if (this.#isAtEnd) {
      this.element.scrollTop = this.element.scrollHeight;
    }
  }

  /** Has new messages announced, but only once the restored ones are in place. */
  #setAnnounced(isRead) {
    clearTimeout(this.#timer);
    if (!isRead) {
      this.#list.ariaBusy = "true";
    } else if (this.#list.ariaBusy === "true") {
      this.#timer = setTimeout(() => { this.#list.ariaBusy = "false"; }, QUIET_MS);
    }
  }

  #makeMessage({ id, role }) {
    const isUser = role === "user";
    const who = make("span", "unseen", this.#t(isUser ? "chat.you" : "chat.assistant"));
    const words = isUser ? makeText("p", "words", "") : make("div", "words");
    const said = make("div", "said", words);
    if (!isUser) {
      said.lang = "en"; // the server answers in English
    }
    const kind = isUser ? "user" : "assistant";
    const article = make("article", `message ${kind}`, who, said);
    const acts = isUser
      ? { retry: () => this.#act.retry(id), edit: () => this.#act.edit(id) }
      : { copy: () => this.#act.copy(this.#words.get(article)) };
    article.append(this.#makeMeta(acts, isUser && make("span", "status")));
    article.part = `message ${kind}`;
    return article;
  }

  /** The details of a message; its elements stay the same, as one may have the focus. */
  #makeMeta(acts, status) {
    const buttons = Object.entries(acts).map(([name, act]) => (
      makeButton(`small ${name}`, act, this.#t(`chat.${name}`))));
    const meta = make("p", "meta", make("time", ""), status, ...buttons);
    meta.ariaLive = "off"; // the status of a message is not announced
    return meta;
  }

  #renew(shown, entry) {
    const { role, text: words, aside, status, at, error } = entry;
    const time = shown.querySelector("time");
    if (this.#words.get(shown) !== words) {
      this.#words.set(shown, words);
      this.#write(shown.querySelector(".words"), role, words);
    }
    this.#propose(shown.querySelector(".said"), aside ?? "");
    setText(time, at ? this.#clock(at) : "");
    time.dateTime = at ?? "";
    time.hidden = !at;
    shown.dataset.status = status;
    if (role === "user") {
      this.#renewStatus(shown, status, error);
    }
  }

  #renewStatus(shown, status, error) {
    const isGone = Boolean(error?.gone); // which is shown for the whole conversation
    const isOpen = status === "failed" || status === "stopped";
    setText(shown.querySelector(".status"),
      error && !isGone ? this.#act.describe(error) : this.#t(`chat.${status}`));
    shown.querySelector(".edit").hidden = !isOpen;
    shown.querySelector(".retry").hidden = !isOpen || isGone;
  }

  #write(place, role, words) {
    if (role === "user") {
      setText(place, words);
    } else {
      place.replaceChildren(...render(words));
    }
  }

  /** Adds the proposed description of the product, which may come later than the rest. */
  #propose(said, description) {
    const shown = said.querySelector("q");
    if ((shown?.textContent ?? "") !== description) {
      shown?.parentElement.remove();
      const told = Object.assign(make("span", "", this.#t("chat.proposed")), { lang: this.#t.language });
      said.append(...(description ? [make("p", "hint", told, " ", makeText("q", "", description))] : []));
    }
  }
}
