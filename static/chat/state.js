// What the chat knows, and pure functions that make the next state out of it.
//
// {sessionId,      of the conversation that is shown, null before its first message
//  conversation,   as the server told it last, null before that
//  outbox,         what the server has not acknowledged: [{id, text, facts?, sessionId, status, error?}]
//  analysis,       {status, phase?, progress?, total?, error?}; the status is "resting", "running",
//                  "broken" (to be resumed), "done" (to be fetched), "stopped" or "failed"
//  link,           "up", "offline", or what keeps the server from answering: an error
//  ready,          whether the conversation to show is known
//  busy,           whether the server is being asked for something
//  ended,          null, or why the conversation is not there any more: an error
//  news}           null, or the name of a text about what happened
//
// A message in the outbox is "sending", "waiting" for its turn or for the server, "failed", or
// "stopped" by the visitor. It leaves the outbox when the server has it.

const UNSENT = ["waiting", "sending"];
const FOLLOWED = ["running", "broken"];
const RESTING = { status: "resting" };

/** Nothing was said yet. */
export function create() {
  return {
    sessionId: null, conversation: null, outbox: [], analysis: RESTING, link: "up", ready: false,
    busy: false, ended: null, news: null,
  };
}

/** Another conversation is to be shown, or with null a new one; what waits for it waits on. */
export function open(state, sessionId, outbox = []) {
  const { link, busy } = state;
  return { ...create(), link, busy, ready: !sessionId, sessionId, outbox };
}

/** Which conversation is to be shown has to be found out. */
export function seek(state) {
  return { ...state, ready: false };
}

/** What was kept of these messages, as they are to be sent or were left by the visitor. */
export function restore(kept) {
  return kept.map(({ isStopped, ...entry }) => (
    { ...entry, status: isStopped ? "stopped" : "waiting" }));
}

/** Messages that another tab left, and that this one has not. */
export function join(state, kept) {
  const known = listIds(state.conversation ?? { history: [], qa_history: [] });
  state.outbox.forEach(({ id }) => known.add(id));
  const others = restore(kept).filter(({ id }) => !known.has(id));
  return others.length ? { ...state, outbox: [...state.outbox, ...others] } : state;
}

/** The server told the conversation; what it has of the outbox needs no sending. */
export function load(state, conversation) {
  const known = listIds(conversation);
  const outbox = state.outbox.filter(({ id }) => !known.has(id));
  const { status } = state.analysis;
  const isOver = status === "done" || (conversation.analyzed && !FOLLOWED.includes(status));
  const analysis = isOver ? RESTING : state.analysis;
  return { ...state, conversation, outbox, analysis, ready: true, ended: null };
}

/** The ids of all messages that the server has. */
export function listIds({ history, qa_history: asked }) {
  return new Set([...history, ...asked].map(({ id }) => id));
}

/** The visitor has written something. */
export function write(state, { id, text, facts }) {
  const entry = { id, text, sessionId: state.sessionId, status: "waiting" };
  const outbox = [...state.outbox, facts ? { ...entry, facts } : entry];
  const analysis = FOLLOWED.includes(state.analysis.status) ? state.analysis : RESTING;
  return { ...state, outbox, analysis, news: null };
}

/** A message is on its way. */
export function send(state, id) {
  return updateMessage(state, id, { status: "sending", error: undefined });
}

/** A message has to wait for the server, or is to be sent once more. */
export function hold(state, id) {
  return updateMessage(state, id, { status: "waiting", error: undefined });
}

/** A message was refused; to send it again as it is does not help unless something changes. */
export function fail(state, id, error) {
  return updateMessage(state, id, { status: "failed", error });
}

/** The visitor does not want to wait for a message's answer; whether it was taken is not known. */
export function stop(state, id) {
  return updateMessage(state, id, { status: "stopped", error: undefined });
}

/** A message is not to be sent. */
export function withdraw(state, id) {
  return { ...state, outbox: state.outbox.filter((entry) => entry.id !== id) };
}

/** The server has answered a message: both are shown before the conversation is told anew. */
export function answer(state, id, answer, now) {
  const entry = state.outbox.find((one) => one.id === id);
  if (!entry) {
    return state; // it was withdrawn, or the conversation left
  }
  const before = state.conversation ?? { history: [], qa_history: [], analyzed: false };
  const content = answer.message ?? answer.response ?? answer.answer;
  const text = answer.correction ?? entry.text;
  const timestamp = computeTimestamp(listMessages(before).at(-1)?.timestamp, now);
  const suggestions = answer.suggestions ?? [];
  const conversation = answer.intent === "question"
    ? { ...before, suggestions, qa_history: [...before.qa_history,
      { id, question: text, answer: content, timestamp }] }
    : { ...before, suggestions, complete: answer.complete ?? before.complete,
      history: [...before.history, { id, role: "user", content: text, timestamp },
        { role: "assistant", content, reply_to: id, timestamp }] };
  const opened = begin(withdraw(state, id), answer.session_id ?? state.sessionId);
  return { ...opened, conversation, ready: true };
}

/** The conversation has an id now, and whatever is to be said belongs to it. */
export function begin(state, sessionId) {
  return { ...state, sessionId, outbox: state.outbox.map((entry) => ({ ...entry, sessionId })) };
}

/** The conversation is not there any more; its words stay in sight until it is left. */
export function end(state, error) {
  const outbox = state.outbox.map((entry) => (
    UNSENT.includes(entry.status) ? { ...entry, status: "failed", error } : entry));
  return { ...state, outbox, ended: error, ready: true, analysis: RESTING };
}

/** The analysis goes on, breaks off or rests; `change` is put over what is known of it. */
export function analyse(state, change) {
  return { ...state, analysis: { ...state.analysis, error: undefined, ...change } };
}

/** How the server can be reached. */
export function link(state, link) {
  return { ...state, link };
}

/** The server is being asked, or not any more. */
export function setBusy(state, busy) {
  return { ...state, busy };
}

/** Something happened that is to be told once. */
export function setNews(state, news) {
  return { ...state, news };
}

/** The next message to send, if there is one. */
export function findNext({ outbox }) {
  return outbox.find(({ status }) => status === "waiting");
}

/** Whether an answer is awaited. */
export function isSending({ outbox }) {
  return outbox.some(({ status }) => status === "sending");
}

/** Whether a message is on its way or waits for it. */
export function isUnsent({ outbox }) {
  return outbox.some(({ status }) => UNSENT.includes(status));
}

/** Whether the analysis is under way. */
export function isFollowed({ analysis }) {
  return [...FOLLOWED, "done"].includes(analysis.status);
}

/** Whether the analysis is to be run now: nothing is to be asked any more, and it was not run. */
export function isDue(state) {
  const { conversation, analysis, ended: over } = state;
  return Boolean(conversation?.complete) && !conversation.analyzed && !over
    && !isUnsent(state) && analysis.status === "resting";
}

/** Whether a message may have opened a conversation that is not known here. */
export function isInDoubt({ sessionId, outbox }) {
  return !sessionId && outbox.some(({ status }) => status === "stopped");
}

/** The conversation to show first: that of a text that was not sent, or the one shown last. */
export function choose(kept, shown) {
  const texts = kept.filter(({ facts }) => !facts);
  const first = texts.find(({ sessionId }) => sessionId === null)
    ?? texts.find(({ sessionId }) => sessionId === shown) ?? texts[0];
  return first ? first.sessionId : shown;
}

/** What is on its way about the same conversation as is shown, or opens it. */
export function filterUnsent(outbox, sessionId) {
  return outbox.filter((entry) => entry.sessionId === sessionId);
}

/** All that was said, oldest first, and what is on its way: [{id, role, text, at?, status}]. */
export function listEntries(state) {
  const said = state.conversation ? listMessages(state.conversation) : [];
  const shown = said.map(({ id, role, content, timestamp, aside }) => (
    { id, role, text: content, at: timestamp, aside, status: "sent" }));
  const going = state.outbox.map(({ id, text, status, error }) => (
    { id, role: "user", text, status, error }));
  return [...shown, ...going];
}

/** The texts of what was not sent, to be written anew. */
export function joinUnsent({ outbox }) {
  return outbox.filter(({ facts }) => !facts).map(({ text }) => text).join("\n");
}

/** The turns and the questions about the analysis as one list of messages, in order of time. */
function listMessages({ history, qa_history: asked }) {
  const turns = history.map((message, index) => ({
    ...message,
    id: message.reply_to ? `${message.reply_to}.answer` : message.id ?? `message ${index}`,
  }));
  const questions = asked.flatMap(({ id, question, answer, timestamp, proposed_description: aside },
    index) => {
    const key = id ?? `question ${index}`;
    return [{ id: key, role: "user", content: question, timestamp },
      { id: `${key}.answer`, role: "assistant", content: answer, timestamp, aside }];
  });
  return [...turns, ...questions].sort((one, other) => compare(one.timestamp, other.timestamp));
}

function updateMessage(state, id, change) {
  const outbox = state.outbox.map((entry) => (entry.id === id ? { ...entry, ...change } : entry));
  return { ...state, outbox };
}

/** The browser's clock may be behind the server's, and what is said last stands last. */
function computeTimestamp(known, now) {
  const next = new Date(Date.parse(known) + 1);
  return known >= now && !Number.isNaN(next.getTime()) ? next.toISOString() : now;
}

function compare(one = "", other = "") {
  return one < other ? -1 : Number(one > other);
}
