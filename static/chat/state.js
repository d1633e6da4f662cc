// The state of the chat, and pure functions that return the next state.
//
// {sessionId,      of the conversation that is shown, null before its first answer
//  conversation,   as last read from the server, null before that
//  outbox,         messages that the server has not acknowledged: [{id, text, facts?, sessionId, status, error?}]
//  analysis,       {status, phase?, progress?, total?, error?}; the status is "resting", "running",
//                  "broken" (to be resumed), "done" (to be fetched), "stopped" or "failed"
//  link,           "up", "offline", or the error that keeps the server from answering
//  ready,          whether the conversation to show is known
//  busy,           whether a request is under way
//  ended,          null, or the error because of which the conversation no longer exists
//  news}           null, or the name of a text about the latest event
//
// A message in the outbox is "sending", "waiting" for its turn or for the server, "failed", or
// "stopped" by the visitor. It leaves the outbox when the server has it.

const UNSENT = ["waiting", "sending"];
const FOLLOWED = ["running", "broken"];
const RESTING = { status: "resting" };

/** The state before the first message. */
export function create() {
  return {
    sessionId: null, conversation: null, outbox: [], analysis: RESTING, link: "up", ready: false,
    busy: false, ended: null, news: null,
  };
}

/** Shows another conversation with its outbox, or with null a new one. */
export function open(state, sessionId, outbox = []) {
  const { link, busy } = state;
  return { ...create(), link, busy, ready: !sessionId, sessionId, outbox };
}

/** Marks that the conversation to show is not known yet. */
export function seek(state) {
  return { ...state, ready: false };
}

/** Restores stored messages as waiting, or stopped where the visitor stopped them. */
export function restore(kept) {
  return kept.map(({ isStopped, ...entry }) => (
    { ...entry, status: isStopped ? "stopped" : "waiting" }));
}

/** Adds messages from another tab that this one does not have. */
export function join(state, kept) {
  const known = listIds(state.conversation ?? { history: [], qa_history: [] });
  state.outbox.forEach(({ id }) => known.add(id));
  const others = restore(kept).filter(({ id }) => !known.has(id));
  return others.length ? { ...state, outbox: [...state.outbox, ...others] } : state;
}

/** Takes the conversation from the server; messages that it contains leave the outbox. */
export function load(state, conversation) {
  const known = listIds(conversation);
  const outbox = state.outbox.filter(({ id }) => !known.has(id));
  const { status } = state.analysis;
  const isOver = status === "done" || (conversation.analyzed && !FOLLOWED.includes(status));
  const analysis = isOver ? RESTING : state.analysis;
  return { ...state, conversation, outbox, analysis, ready: true, ended: null };
}

/** Lists the ids of all messages in a conversation of the server. */
export function listIds({ history, qa_history: asked }) {
  return new Set([...history, ...asked].map(({ id }) => id));
}

/** Adds a message of the visitor. */
export function write(state, { id, text, facts }) {
  const entry = { id, text, sessionId: state.sessionId, status: "waiting" };
  const outbox = [...state.outbox, facts ? { ...entry, facts } : entry];
  const analysis = FOLLOWED.includes(state.analysis.status) ? state.analysis : RESTING;
  return { ...state, outbox, analysis, news: null };
}

/** Marks a message as being sent. */
export function send(state, id) {
  return updateMessage(state, id, { status: "sending", error: undefined });
}

/** Marks a message as waiting, for the server or for another attempt. */
export function hold(state, id) {
  return updateMessage(state, id, { status: "waiting", error: undefined });
}

/** Marks a message as refused, so that it is not repeated by itself. */
export function fail(state, id, error) {
  return updateMessage(state, id, { status: "failed", error });
}

/** Marks a message as stopped by the visitor; whether the server has it is unknown. */
export function stop(state, id) {
  return updateMessage(state, id, { status: "stopped", error: undefined });
}

/** Removes a message that is not to be sent. */
export function withdraw(state, id) {
  return { ...state, outbox: state.outbox.filter((entry) => entry.id !== id) };
}

/** Shows a message and its answer until the conversation is read again. */
export function answer(state, id, answer, now) {
  const entry = state.outbox.find((one) => one.id === id);
  if (!entry) {
    return state; // it was withdrawn, or another conversation is shown
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

/** Sets the id of a new conversation; the whole outbox belongs to it. */
export function begin(state, sessionId) {
  return { ...state, sessionId, outbox: state.outbox.map((entry) => ({ ...entry, sessionId })) };
}

/** Marks that the conversation no longer exists; its messages stay visible until it is left. */
export function end(state, error) {
  const outbox = state.outbox.map((entry) => (
    UNSENT.includes(entry.status) ? { ...entry, status: "failed", error } : entry));
  return { ...state, outbox, ended: error, ready: true, analysis: RESTING };
}

/** Merges a change into the state of the analysis. */
export function analyse(state, change) {
  return { ...state, analysis: { ...state.analysis, error: undefined, ...change } };
}

/** Sets whether the server can be reached. */
export function link(state, link) {
  return { ...state, link };
}

/** Sets whether a request is under way. */
export function setBusy(state, busy) {
  return { ...state, busy };
}

/** Sets the news to show once. */
export function setNews(state, news) {
  return { ...state, news };
}

/** Finds the next message to send, if any. */
export function findNext({ outbox }) {
  return outbox.find(({ status }) => status === "waiting");
}

/** Whether an answer is expected. */
export function isSending({ outbox }) {
  return outbox.some(({ status }) => status === "sending");
}

/** Whether a message is being sent or waits for that. */
export function isUnsent({ outbox }) {
  return outbox.some(({ status }) => UNSENT.includes(status));
}

/** Whether the analysis is under way. */
export function isFollowed({ analysis }) {
  return [...FOLLOWED, "done"].includes(analysis.status);
}

/** Whether the analysis should run now: the interview is complete and it has not run yet. */
export function isDue(state) {
  const { conversation, analysis, ended: over } = state;
  return Boolean(conversation?.complete) && !conversation.analyzed && !over
    && !isUnsent(state) && analysis.status === "resting";
}

/** Whether a stopped message may have opened a conversation unknown to this tab. */
export function isInDoubt({ sessionId, outbox }) {
  return !sessionId && outbox.some(({ status }) => status === "stopped");
}

/** Chooses the conversation to show first: that of an unsent text, or the latest one. */
export function choose(kept, shown) {
  const texts = kept.filter(({ facts }) => !facts);
  const first = texts.find(({ sessionId }) => sessionId === null)
    ?? texts.find(({ sessionId }) => sessionId === shown) ?? texts[0];
  return first ? first.sessionId : shown;
}

/** Filters the messages of one conversation, or with null those that open a new one. */
export function filterUnsent(outbox, sessionId) {
  return outbox.filter((entry) => entry.sessionId === sessionId);
}

/** Lists all messages, oldest first, then the outbox: [{id, role, text, at?, status}]. */
export function listEntries(state) {
  const said = state.conversation ? listMessages(state.conversation) : [];
  const shown = said.map(({ id, role, content, timestamp, aside }) => (
    { id, role, text: content, at: timestamp, aside, status: "sent" }));
  const going = state.outbox.map(({ id, text, status, error }) => (
    { id, role: "user", text, status, error }));
  return [...shown, ...going];
}

/** Joins the unsent texts, so that they can be edited again. */
export function joinUnsent({ outbox }) {
  return outbox.filter(({ facts }) => !facts).map(({ text }) => text).join("\n");
}

/** Merges turns and questions about the analysis into one list of messages, by time. */
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

/** The browser's clock may be behind the server's, but the newest message must be last. */
function computeTimestamp(known, now) {
  const next = new Date(Date.parse(known) + 1);
  return known >= now && !Number.isNaN(next.getTime()) ? next.toISOString() : now;
}

function compare(one = "", other = "") {
  return one < other ? -1 : Number(one > other);
}
