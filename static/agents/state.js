// The document of the page, and pure functions that return the next one.
//
// {messages: [{id, role, content, timestamp, agent?, reply_to?}],
//  agents: {name: {status, model, updated, metrics: {tokens, words_in, words_out, cost, latency?}}},
//  logs: [{id, timestamp, agent, event, details}],
//  chat: {session_id, since, others}, last_updated}
//
// Times are ISO 8601, latency is in milliseconds, tokens are words. Ids of answers and log entries are
// derived from the message's id, so that two tabs never store the same one twice.

export const AGENTS = {
  interviewer: "Interviewer",
  analyst: "Analyst",
  answerer: "Question answerer",
};
const BY_INTENT = { interview: "interviewer", analysis: "analyst", question: "answerer" };

/** Creates an empty document. */
export function createDoc() {
  const cards = Object.keys(AGENTS).map((name) => [name, {
    status: "idle", model: "rules", updated: "", metrics: countWords([], name),
  }]);
  return {
    messages: [],
    agents: Object.fromEntries(cards),
    logs: [],
    chat: { session_id: null, since: "", others: [] },
    last_updated: "",
  };
}

/** Adds missing members to a saved document; unknown members are kept. */
export function completeDoc(saved) {
  const blank = createDoc();
  return {
    ...blank,
    ...saved,
    agents: { ...blank.agents, ...saved.agents },
    chat: { ...blank.chat, ...saved.chat },
  };
}

/** Sets agents at work to idle, because a page that has just been opened expects no answer. */
export function resetAgents(document) {
  return { ...document, agents: replaceStatus(document.agents, "idle") };
}

/** Adds a message of the visitor. */
export function addQuestion(document, { id, content, at }) {
  const said = { id, role: "user", content, timestamp: at };
  return markWorking(updateDocument(document, at, {
    messages: [...document.messages, said],
    logs: appendLog(document, `${id}.sent`, at, "visitor", "message sent", `${count(content)} words`),
  }), at);
}

/** Marks the agent that is expected to answer as working. */
export function markWorking(document, at) {
  const name = predictAgent(document);
  const card = { ...document.agents[name], status: "working", updated: at };
  return updateDocument(document, at, { agents: { ...document.agents, [name]: card } });
}

/** Adds the answer to the message with this id, after `latency` milliseconds. */
export function addAnswer(document, { id, intent, response, sessionId, latency, at }) {
  const agents = replaceStatus(document.agents, "idle", at);
  if (!document.messages.some((message) => message.id === id) || isAnswered(document, id)) {
    return updateDocument(document, at, { agents }); // it was cleared meanwhile, or another tab asked too
  }
  const agent = BY_INTENT[intent] ?? BY_INTENT.interview;
  const messages = [...document.messages, {
    id: `${id}.answer`, role: "assistant", content: response, timestamp: at, agent, reply_to: id,
  }];
  const card = { ...agents[agent], status: "idle", updated: at };
  card.metrics = { ...card.metrics, ...countWords(messages, agent), latency };
  const details = `${count(response)} words in ${latency} ms`;
  return updateDocument(document, at, {
    messages,
    agents: { ...agents, [agent]: card },
    logs: appendLog(document, `${id}.answered`, at, agent, "answered", details),
    chat: openConversation(document.chat, sessionId, at),
  });
}

/** Records that a message was not answered; if it was refused, a retry does not help. */
export function addFailure(document, { id, reason, refused = false, forgotten = false, at }) {
  const event = refused ? "refused" : "failed";
  const agent = findWorking(document) ?? predictAgent(document);
  return updateDocument(document, at, {
    agents: replaceStatus(document.agents, "failed", at),
    logs: appendLog(document, `${id}.${event}.${at}`, at, agent, event, reason),
    chat: forgotten ? { ...document.chat, session_id: null, since: at } : document.chat,
  });
}

/** Finds the visitor's last message if it has no answer, and the log entry that explains it. */
export function findUnanswered(document) {
  const message = document.messages.findLast(({ role }) => role === "user");
  if (!message || isAnswered(document, message.id)) {
    return null;
  }
  const trouble = document.logs.findLast(({ id, event }) => (
    ["failed", "refused"].includes(event) && id?.startsWith(message.id)));
  return { message, trouble };
}

/** Lists the ids of all conversations in this document. */
export function listChats({ chat }) {
  return [chat.session_id, ...chat.others].filter(Boolean);
}

function updateDocument(document, at, members) {
  return { ...document, ...members, last_updated: at };
}

function appendLog({ logs }, id, timestamp, agent, event, details) {
  return [...logs, { id, timestamp, agent, event, details }];
}

/** Predicts who answers: the interviewer until there is an analysis to ask about. */
function predictAgent({ chat, messages }) {
  const last = chat.session_id && messages.findLast(({ agent }) => agent);
  return last && last.agent !== "interviewer" ? "answerer" : "interviewer";
}

function findWorking({ agents }) {
  return Object.keys(agents).find((name) => agents[name].status === "working");
}

/** Replaces the status of the agents at work. */
function replaceStatus(agents, status, at) {
  return Object.fromEntries(Object.entries(agents).map(([name, card]) => [name,
    card.status === "working" ? { ...card, status, updated: at ?? card.updated } : card]));
}

function openConversation(chat, sessionId, at) {
  return chat.session_id === sessionId ? chat
    : { session_id: sessionId, since: at, others: listChats({ chat }) };
}

function isAnswered({ messages }, id) {
  return messages.some((message) => message.reply_to === id);
}

/** Counts the words that an agent has read and written. */
export function countWords(messages, agent) {
  const answers = messages.filter((message) => message.agent === agent);
  const asking = new Set(answers.map((message) => message.reply_to));
  const read_ = sum(messages.filter(({ id }) => asking.has(id)));
  const written = sum(answers);
  return { tokens: read_ + written, words_in: read_, words_out: written, cost: 0 };
}

function sum(messages) {
  return messages.reduce((total, { content }) => total + count(content), 0);
}

function count(words) {
  return words.split(/\s+/).filter(Boolean).length;
}
