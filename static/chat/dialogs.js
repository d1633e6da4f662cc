// The dialogs: whether something is to be deleted, and the conversations to come back to.

import { make, text } from "../view.js";
import { clockOf } from "./log.js";

/** A button with a text, which does something when it is pressed. */
export function button(className, label, act) {
  const made = make("button", className, label);
  made.type = "button";
  made.addEventListener("click", act);
  return made;
}

/** Asks before something is deleted; the answer that keeps it is the one at hand. */
export class Confirmation {
  #title = make("h3", "");
  #text = make("p", "");
  #yes = button("danger", "", () => this.element.close("yes"));
  #settle = null;
  element;

  constructor(t) {
    const keep = button("quiet", t("confirm.keep"), () => this.element.close(""));
    keep.autofocus = true;
    this.element = make("dialog", "dialog", this.#title, this.#text,
      make("p", "row", keep, this.#yes));
    this.element.part = "dialog";
    this.element.addEventListener("close", () => this.#settle?.(this.element.returnValue === "yes"));
  }

  /** Resolves with whether it is to be done. */
  ask(title, sentence, label) {
    this.#title.textContent = title;
    this.#text.textContent = sentence;
    this.#yes.textContent = label;
    this.element.ariaLabel = title;
    this.element.returnValue = "";
    this.element.showModal();
    return new Promise((resolve) => { this.#settle = resolve; });
  }
}

/**
 * The conversations of this browser. `act.list()` gives them, `act.open(id)` shows one,
 * `act.remove(id)` and `act.clear()` delete; what they throw is told by `act.said(error)`.
 */
export class Conversations {
  #t;
  #act;
  #confirmation;
  #clock;
  #place = make("ul", "conversations");
  #status = make("p", "hint");
  #clear;
  element;

  constructor(t, act, confirmation) {
    this.#t = t;
    this.#act = act;
    this.#confirmation = confirmation;
    this.#clock = clockOf(t.language);
    this.#clear = button("danger", t("list.clear"), () => this.#ask("clear", () => act.clear()));
    const close = button("quiet", t("list.close"), () => this.element.close());
    this.#status.role = "status";
    this.element = make("dialog", "dialog", make("h3", "", t("list.title")), this.#status,
      this.#place, make("p", "row", close, this.#clear));
    this.element.part = "dialog";
    this.element.ariaLabel = t("list.title");
  }

  /** Opens the list; the conversation with this id is marked as the one that is shown. */
  async show(current) {
    this.#place.replaceChildren();
    this.#clear.hidden = true;
    this.element.showModal();
    await this.#refresh(current);
  }

  async #refresh(current) {
    this.#status.textContent = this.#t("list.loading");
    try {
      const found = await this.#act.list();
      this.#place.replaceChildren(...found.map((one) => this.#item(one, current)));
      this.#clear.hidden = !found.length;
      this.#status.textContent = found.length ? "" : this.#t("list.none");
    } catch (error) {
      this.#status.textContent = this.#act.said(error);
    }
  }

  #item({ session_id: id, title, last_message_at: at, analyzed }, current) {
    const open = button("conversation", "", () => {
      this.element.close();
      this.#act.open(id);
    });
    const state = this.#t(analyzed ? "list.analyzed" : "list.open");
    open.append(text("span", "", title), make("span", "hint", `${this.#clock(at)} · ${state}`));
    if (id === current) {
      open.ariaCurrent = "true";
    }
    const remove = button("small", this.#t("list.remove"),
      () => this.#ask("remove", () => this.#act.remove(id), id === current ? null : current));
    remove.ariaLabel = this.#t("list.remove_one", { title });
    return make("li", "", open, remove);
  }

  async #ask(name, act, current = null) {
    const t = this.#t;
    if (!await this.#confirmation.ask(t(`confirm.${name}`), t(`confirm.${name}_text`), t(`confirm.${name}_yes`))) {
      return;
    }
    try {
      await act();
      await this.#refresh(current);
    } catch (error) {
      this.#status.textContent = this.#act.said(error);
    }
  }
}
