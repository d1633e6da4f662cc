// The teaser chat: description, questions, analysis, questions about it; restored on reload.

import { Refusal, call, newId, watchAnalysis } from "./api.js";
import { answered, message, notice, results, sendOnEnter } from "./view.js";

const at = (id) => document.getElementById(id);
const chat = form("chat");
const questions = form("question");
const bar = at("progress").querySelector("progress");

const state = { sessionId: document.body.dataset.sessionId, complete: false, analyzed: false };

function form(name) {
  const element = at(`${name}-form`);
  return {
    element,
    field: element.elements.text,
    label: element.querySelector("label"),
    button: element.querySelector("button"),
    notice: at(`${name}-notice`),
    sent: { text: "", id: "" },
  };
}

function refresh() {
  const started = Boolean(state.sessionId);
  at("intro").hidden = started;
  at("restart").hidden = !started || chat.element.hidden;
  chat.label.textContent = started ? "Your answer, or a correction" : "Your product";
  chat.button.textContent = started ? "Send" : "Start";
  at("analysis").hidden = !state.complete;
  at("analyze").hidden = state.analyzed;
  at("questions").hidden = !state.analyzed;
  at("to-questions").hidden = !state.analyzed;
}

function setBusy(busy) {
  const controls = document.querySelectorAll("fieldset, #restart, #analyze, .notice button");
  controls.forEach((control) => { control.disabled = busy; });
}

/** Does one thing at a time: nothing can be sent, run or started again meanwhile. */
async function exclusively(work) {
  setBusy(true);
  try {
    await work();
  } finally {
    setBusy(false);
    refresh();
  }
}

/** Says why something failed and offers what helps: another try, or a new conversation. */
function explain(error, place, retry) {
  if (!(error instanceof Refusal)) {
    throw error;
  }
  if (error.gone) {
    state.complete = false;
    showAnalysis(null);
    chat.element.hidden = true;
    notice(chat.notice, error.message, "Start a new conversation", startAgain);
  } else if (error.mayPass) {
    notice(place, error.message, "Try again", retry);
  } else {
    notice(place, error.message);
  }
}

/** Sends what a form's field holds; the same words again are the same message, with its id. */
async function submit(source, send) {
  const text = source.field.value;
  if (text.trim()) {
    if (source.sent.text !== text) {
      source.sent = { text, id: newId() };
    }
    await exclusively(async () => {
      notice(source.notice);
      try {
        await send(text, source.sent.id);
        source.sent = { text: "", id: "" };
        source.field.value = "";
      } catch (error) {
        explain(error, source.notice, () => source.element.requestSubmit());
      }
    });
  }
  source.field.focus();
}

async function say(text, id) {
  const answer = state.sessionId
    ? await call("POST", "/respond",
      { session_id: state.sessionId, message: text, client_message_id: id })
    : await call("POST", "/start", { initial_input: text, client_message_id: id });
  state.sessionId ||= answer.session_id;
  state.complete = answer.complete;
  append(at("log"), message({ role: "user", content: text }),
    message({ role: "assistant", content: answer.message }));
  if (state.analyzed) {
    await synchronise(chat.notice); // a correction may have made the analysis void
  }
}

async function ask(text, id) {
  const answer = await call("POST", "/ask-analysis",
    { session_id: state.sessionId, question: text, client_message_id: id });
  append(at("answers"), answered({ question: text, ...answer }));
}

function append(place, ...elements) {
  place.append(...elements);
  elements.at(-1).scrollIntoView({ block: "nearest" });
}

/** Brings the analysis to what the server has, and gives the conversation if it could be had. */
async function synchronise(place) {
  try {
    const conversation = await call("GET", `/session/${state.sessionId}`);
    state.complete = conversation.complete;
    showAnalysis(conversation.analyzed ? conversation : null);
    return conversation;
  } catch (error) {
    explain(error, place, () => exclusively(restore));
    return null;
  }
}

async function restore() {
  notice(chat.notice);
  const conversation = await synchronise(chat.notice);
  if (conversation) {
    at("log").replaceChildren(...conversation.history.map(message));
  }
}

function showAnalysis(analysis) {
  state.analyzed = Boolean(analysis);
  at("results").replaceChildren(...(analysis ? results(analysis) : []));
  at("progress-text").textContent = analysis
    ? `The analysis is done: ${analysis.all_norm_results.length} norms were checked.` : "";
  if (analysis?.qa_history) {
    at("answers").replaceChildren(...analysis.qa_history.map(answered));
  }
}

async function analyze() {
  const status = at("progress-text");
  const place = at("analysis-notice");
  notice(place);
  bar.removeAttribute("value"); // no share is known yet
  at("progress").hidden = false;
  at("analyze").hidden = true;
  try {
    const complete = await watchAnalysis(state.sessionId, (step) => {
      status.textContent = `${step.status} …`;
      if (step.total) {
        bar.max = step.total;
        bar.value = step.progress;
      }
    }, () => { status.textContent = "The connection was lost and is being restored …"; });
    showAnalysis(complete);
  } catch (error) {
    status.textContent = "";
    explain(error, place, () => exclusively(analyze));
  }
  at("progress").hidden = true;
  await synchronise(place); // whether it is gone, or was questioned before
  refresh();
  at("analysis-title").focus();
}

async function startAgain() {
  await exclusively(async () => {
    try {
      await call("DELETE", `/session/${state.sessionId}`);
      clear();
    } catch (error) {
      explain(error, chat.notice, startAgain);
    }
  });
  chat.field.focus();
}

function clear() {
  Object.assign(state, { sessionId: "", complete: false });
  showAnalysis(null);
  for (const id of ["log", "answers", "chat-notice", "analysis-notice", "question-notice"]) {
    at(id).replaceChildren();
  }
  questions.element.reset();
  if (!chat.element.hidden) { // else what could not be sent opens the new conversation
    chat.element.reset();
  }
  chat.element.hidden = false;
}

for (const [source, send] of [[chat, say], [questions, ask]]) {
  source.element.addEventListener("submit", (event) => {
    event.preventDefault();
    submit(source, send);
  });
  sendOnEnter(source.field);
}
at("analyze").addEventListener("click", () => exclusively(analyze));
at("restart").addEventListener("click", () => {
  if (confirm("This deletes the conversation and its results. Start again?")) {
    startAgain();
  }
});

exclusively(async () => {
  if (state.sessionId) {
    await restore();
  }
});
