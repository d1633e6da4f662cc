// <teaser-chat>: the chat as one element, on the server's own page or any other.
//
// Attributes: `server`, the origin of the chat's server, by default the one this module came from;
// `lang`, "en" or "de", by default the browser's; `theme`, "light" or "dark", by default the
// system's. Its look is customised by the variables and parts that teaser-chat.css names.

import { Chat } from "./chat.js";
import { Memory } from "./memory.js";
import { Server } from "./server.js";
import { loadStyles } from "./styles.js";
import { chooseLanguage, load } from "./texts.js";
import { View } from "./view.js";

const HOME = new URL(import.meta.url).origin;
const RETRY_MS = 5_000;

class TeaserChat extends HTMLElement {
  static observedAttributes = ["server", "lang"];
  #chat = null;
  #timer = 0;
  #visits = 0; // so that work started before the element was moved or changed is dropped

  connectedCallback() {
    this.#open();
  }

  disconnectedCallback() {
    this.#close();
  }

  attributeChangedCallback(_name, before, now) {
    if (this.#visits && this.isConnected && before !== now) {
      this.#close();
      this.#open();
    }
  }

  async #open() {
    this.#visits += 1;
    const visit = this.#visits;
    const origin = new URL(this.getAttribute("server") || HOME, location.href).origin;
    const [t, sheets] = await Promise.all([
      load(chooseLanguage(this.lang, ...navigator.languages)).catch(() => null), loadStyles(["teaser-chat.css"]),
    ]);
    if (visit !== this.#visits || !this.isConnected) {
      return;
    }
    if (!t) { // the server became unavailable after the modules were loaded
      this.#timer = setTimeout(() => this.#open(), RETRY_MS);
      return;
    }
    const memory = new Memory(origin);
    let view = null;
    this.#chat = new Chat(new Server(origin), memory, `teaser-chat ${origin}`, {
      state: (state) => view.update(state),
      giveBack: (text) => view.giveBack(text),
    });
    view = new View(t, this.#chat, memory.draft);
    view.element.lang = t.language;
    const root = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    root.adoptedStyleSheets = sheets;
    root.replaceChildren(view.element);
    this.#chat.open();
  }

  #close() {
    this.#visits += 1;
    clearTimeout(this.#timer);
    this.#chat?.close();
    this.#chat = null;
  }
}

customElements.define("teaser-chat", TeaserChat);
