// Merges documents that two tabs changed, or that the server no longer has.

import { countWords, createDoc, listChats } from "./state.js";

/**
 * Merges two versions of a document: all messages and log entries of both, the newer card of each
 * agent, and the conversation that was opened last. In doubt theirs wins.
 */
export function merge(theirs, mine) {
  const messages = uniteEntries(theirs.messages, mine.messages);
  const names = Object.keys({ ...theirs.agents, ...mine.agents });
  const cards = names.map((name) => {
    const card = pickNewer(theirs.agents[name], mine.agents[name], "updated");
    return [name, { ...card, metrics: { ...card.metrics, ...countWords(messages, name) } }];
  });
  return {
    ...mine,
    ...theirs,
    messages,
    agents: Object.fromEntries(cards),
    logs: uniteEntries(theirs.logs, mine.logs),
    chat: joinChats(theirs.chat, mine.chat),
    last_updated: pickNewer(theirs, mine, "last_updated").last_updated,
  };
}

/** Extracts what was added to a document since a base; an answer stays with its question. */
export function extractAdded(document, base) {
  const known = new Set(base.messages.map(({ id }) => id));
  const messages = document.messages.filter((message) => (
    !known.has(message.id) && !known.has(message.reply_to)));
  if (!messages.length) {
    return createDoc();
  }
  const blank = createDoc();
  const cards = Object.entries(document.agents).map(([name, card]) => {
    const isNew = card.updated !== base.agents[name]?.updated;
    const metrics = { ...card.metrics, ...countWords(messages, name) };
    return [name, isNew ? { ...card, metrics } : blank.agents[name] ?? card];
  });
  return {
    ...blank,
    messages,
    agents: Object.fromEntries(cards),
    logs: document.logs.filter((entry) => messages.some(({ id }) => entry.id?.startsWith(id))),
    chat: document.chat.session_id === base.chat.session_id ? blank.chat : document.chat,
    last_updated: document.last_updated,
  };
}

/** Unites both lists without duplicates, in order of time. */
function uniteEntries(theirs, mine) {
  const key = (entry) => entry.id ?? JSON.stringify(entry);
  const known = new Set(theirs.map(key));
  const time = ({ timestamp }) => String(timestamp ?? "");
  return [...theirs, ...mine.filter((entry) => !known.has(key(entry)))]
    .sort((one, other) => (time(one) < time(other) ? -1 : Number(time(one) > time(other))));
}

function pickNewer(theirs, mine, member) {
  return (mine?.[member] ?? "") > (theirs?.[member] ?? "") ? mine : theirs ?? mine;
}

/** Each tab may have opened a conversation: one continues, and none is forgotten. */
function joinChats(theirs, mine) {
  const chosen = pickNewer(theirs, mine, "since");
  const all = new Set([theirs, mine].flatMap((chat) => listChats({ chat })));
  all.delete(chosen.session_id);
  return { ...chosen, others: [...all] };
}
