// The dialogs: the confirmation of a deletion, and the list of conversations.

import { make, makeButton, makeText } from "../view.js";
import { createClock } from "./dates.js";

const FILE_NAME = "teaser-chat.json";
const NEWS = { remove: "removed", clear: "cleared", erase: "erased" };

/** Asks before something is deleted; the button that keeps it has the focus. */
export class Confirmation {
  #title = make("h3", "");
  #text = make("p", "");
  #yes = makeButton("danger", () => this.element.close("yes"));
  #resolve = null;
  element;

  constructor(t) {
    const keep = makeButton("quiet", () => this.element.close(""), t("confirm.keep"));
    keep.autofocus = true;
    this.element = make("dialog", "dialog", this.#title, this.#text,
      make("p", "row", keep, this.#yes));
    this.element.part = "dialog";
    this.element.addEventListener("close", () => this.#answer(this.element.returnValue === "yes"));
  }

  /** Resolves to whether the visitor confirmed. */
  ask(title, sentence, label) {
    this.#resolve?.(false); // the close event of the previous one may still be pending
    this.#title.textContent = title;
    this.#text.textContent = sentence;
    this.#yes.textContent = label;
    this.element.ariaLabel = title;
    this.element.returnValue = "";
    this.element.showModal();
    return new Promise((resolve) => { this.#resolve = resolve; });
  }

  #answer(isYes) {
    if (!this.element.open) {
      this.#resolve?.(isYes);
      this.#resolve = null;
    }
  }
}

/**
 * The conversations of this browser. `act.list()` gives them, `act.open(id)` shows one,
 * `act.remove(id)` and `act.clear()` delete; `act.export()` gives all that is stored of the browser,
 * `act.erase()` deletes that; `act.describe(error)` words what they throw.
 */
export class Conversations {
  #t;
  #act;
  #confirmation;
  #clock;
  #place = make("ul", "conversations");
  #status = make("p", "hint");
  #clear;
  #close;
  element;

  constructor(t, act, confirmation) {
    this.#t = t;
    this.#act = act;
    this.#confirmation = confirmation;
    this.#clock = createClock(t.language);
    this.#clear = makeButton("danger", () => this.#ask("clear", () => act.clear()), t("list.clear"));
    this.#close = makeButton("quiet", () => this.element.close(), t("list.close"));
    this.#status.role = "status";
    const title = Object.assign(make("h3", "", t("list.title")), { tabIndex: -1, autofocus: true });
    this.element = make("dialog", "dialog", title, this.#status, this.#place,
      make("p", "row", this.#close, this.#clear),
      make("p", "row", makeButton("quiet", () => this.#export(), t("list.export")),
        makeButton("danger", () => this.#ask("erase", () => act.erase()), t("list.erase"))));
    this.element.part = "dialog";
    this.element.ariaLabel = t("list.title");
  }

  /** Opens the list and marks the conversation with this id as current. */
  async show(current) {
    this.#place.replaceChildren();
    this.#clear.hidden = true;
    this.element.showModal();
    await this.#refresh(current);
  }

  async #refresh(current, news = "") {
    this.#status.textContent = this.#t("list.loading");
    try {
      const found = await this.#act.list();
      this.#fill(found, current);
      const none = found.length ? "" : this.#t("list.none");
      this.#status.textContent = `${news && this.#t(`news.${news}`)} ${none}`.trim();
    } catch (error) {
      this.#status.textContent = this.#act.describe(error);
    }
  }

  /** Shows these; if the focused entry disappears, the one in its place gets the focus. */
  #fill(found, current) {
    const focused = this.element.getRootNode().activeElement;
    const place = [...this.#place.children].findIndex((item) => item.contains(focused));
    this.#place.replaceChildren(...found.map((one) => this.#item(one, current)));
    this.#clear.hidden = !found.length;
    if (this.element.open && focused && !focused.checkVisibility()) {
      const next = this.#place.children[Math.min(place, found.length - 1)];
      (next?.querySelector(".small") ?? this.#close).focus();
    }
  }

  #item({ session_id: id, title, last_message_at: at, analyzed }, current) {
    const state = this.#t(analyzed ? "list.analyzed" : "list.open");
    const open = makeButton("conversation", () => {
      this.element.close();
      this.#act.open(id);
    }, makeText("span", "", title), make("span", "hint", `${this.#clock(at)} · ${state}`));
    if (id === current) {
      open.ariaCurrent = "true";
    }
    const remove = makeButton("small",
      () => this.#ask("remove", () => this.#act.remove(id), id === current ? null : current),
      this.#t("list.remove"));
    remove.ariaLabel = this.#t("list.remove_one", { title });
    return make("li", "", open, remove);
  }

  async #export() {
    this.#status.textContent = this.#t("list.loading");
    try {
      const found = await this.#act.export();
      const { save } = await import("./export.js");
      save(FILE_NAME, "application/json", JSON.stringify(found, null, 2));
      this.#status.textContent = "";
    } catch (error) {
      this.#status.textContent = error.code ? this.#act.describe(error) : this.#t("lacking");
    }
  }

  async #ask(name, act, current = null) {
    const t = this.#t;
    if (!await this.#confirmation.ask(t(`confirm.${name}`), t(`confirm.${name}_text`), t(`confirm.${name}_yes`))) {
      return;
    }
    try {
      await act();
      await this.#refresh(current, NEWS[name]);
    } catch (error) {
      this.#status.textContent = this.#act.describe(error);
    }
  }
}
