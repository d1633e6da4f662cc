// The page of the agents: sends messages to them, shows the results and saves them.

import { newId, Refusal } from "../api.js";
import { arrange, sendOnEnter, setText, showNotice } from "../view.js";
import * as chat from "./chat.js";
import * as state from "./state.js";
import { Store } from "./store.js";
import { buildEvent, buildMessage, updateCards } from "./view.js";

const GONE = "The earlier history is not there any more: it was cleared, or not used for a day."
  + " Here begins a new one.";
const FORGOTTEN = "The agents do not remember the conversation any more. Trying again begins a new"
  + " one with this message.";

const at = (id) => document.getElementById(id);
const form = at("chat-form");
const field = form.elements.text;
const dialog = at("clear-dialog");
const store = new Store({ document: show, status: showStatus, anew: () => showNotice(at("news"), GONE) });
let busy = true;
let left = false; // the browser is leaving the page, which aborts requests

const now = () => new Date().toISOString();

function show(doc) {
  markUnsaved();
  arrange(at("log"), doc.messages, buildMessage);
  arrange(at("events"), doc.logs, buildEvent);
  updateCards(at("cards"), doc.agents);
  at("intro").hidden = doc.messages.length > 0;
  at("event-count").textContent = doc.logs.length;
  at("clear").hidden = !doc.messages.length && !state.listChats(doc).length;
  offerRetry(doc);
}

/** Shows why the last message has no answer, if none is expected. */
function offerRetry(doc) {
  const open = busy ? null : state.findUnanswered(doc);
  if (!open) {
    showNotice(at("chat-notice"));
    return;
  }
  const { message: said, trouble } = open;
  const sentence = trouble?.details ?? "Your last message has no answer yet.";
  if (trouble?.event === "refused") {
    showNotice(at("chat-notice"), sentence);
  } else {
    showNotice(at("chat-notice"), sentence, "Try again", () => exclusively(() => deliver(said)));
  }
}

/** Marks for styles and scripts that something is still unsaved. */
function markUnsaved() {
  at("saving").toggleAttribute("data-unsaved", store.isUnsaved);
}

function showStatus(kind, sentence) {
  const place = at("saving");
  const said = kind === "saved" && !store.document.messages.length ? "" : sentence;
  place.dataset.kind = kind;
  markUnsaved();
  setText(place, said);
}

/** Runs one action at a time: nothing can be sent or cleared meanwhile. */
async function exclusively(work) {
  setBusy(true);
  try {
    await work();
  } finally {
    setBusy(false);
    show(store.document);
    field.focus(); // which also scrolls to the latest message
  }
}

function setBusy(value) {
  busy = value;
  for (const control of document.querySelectorAll("fieldset, #clear, .notice button")) {
    control.disabled = value;
  }
}

async function send(content) {
  const said = { id: newId(), content };
  showNotice(at("news"));
  field.value = "";
  await store.change((doc) => state.addQuestion(doc, { ...said, at: now() }));
  await ask(said);
}

/** Sends a message without an answer again; its id makes that idempotent. */
async function deliver(said) {
  await store.change((doc) => state.markWorking(doc, now()));
  await ask(said);
}

async function ask({ id, content }) {
  const began = performance.now();
  try {
    const answer = await chat.say({ id, content, sessionId: store.document.chat.session_id });
    const latency = Math.round(performance.now() - began);
    store.change((doc) => state.addAnswer(doc, { id, ...answer, latency, at: now() }));
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    if (left) {
      return; // aborted, not failed: the page asks again when it is reopened
    }
    const { gone: forgotten, canRetry } = error;
    const reason = forgotten ? FORGOTTEN : error.message;
    const refused = !forgotten && !canRetry;
    store.change((doc) => state.addFailure(doc, { id, reason, refused, forgotten, at: now() }));
  }
}

async function clear() {
  showNotice(at("news"));
  try {
    await Promise.all(state.listChats(store.document).map(chat.forget));
    await store.remove();
    showNotice(at("news"), "The history is cleared.");
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    const sentence = `The history could not be cleared. ${error.message}`;
    showNotice(at("news"), sentence, "Clear it now", () => exclusively(clear));
  }
}

form.addEventListener("submit", (submitted) => {
  submitted.preventDefault();
  const content = field.value;
  if (content.trim()) {
    exclusively(() => send(content));
  }
});
sendOnEnter(field);

at("clear").addEventListener("click", () => {
  dialog.returnValue = "";
  dialog.showModal();
});
dialog.addEventListener("close", () => {
  if (dialog.returnValue === "clear") {
    exclusively(clear);
  }
});
addEventListener("pagehide", () => { left = true; });
addEventListener("pageshow", () => { left = false; });
addEventListener("beforeunload", (leaving) => {
  if (store.isUnsaved) {
    leaving.preventDefault(); // the browser asks for confirmation
  }
});

show(store.document);
store.refresh().finally(() => {
  setBusy(false);
  show(store.document);
  at("log").ariaBusy = "false"; // restored messages are not announced, new ones are
});
