// What helps against a refusal: whether to ask again, and when.

const LONGEST_PAUSE_S = 30;
const LONGEST_WAIT_S = 3600; // whatever the server says; timers cannot wait for weeks
const BUSY = [0, 429, 502, 503, 504]; // of HTTP, or no answer at all: the server may take it later
const CONFLICT = "session_conflict";

/** Whether it helps to ask once more after a while, without anything being changed. */
export function isTemporary({ status, code }) {
  return BUSY.includes(status) || code === CONFLICT;
}

/** Milliseconds to wait after so many failures; not every browser comes back at the same moment. */
export function computePause({ retryAfter }, failures) {
  const grown = Math.min(2 ** (failures - 1), LONGEST_PAUSE_S);
  const seconds = Math.max(Math.min(retryAfter, LONGEST_WAIT_S), grown);
  return seconds * (1 + Math.random() / 4) * 1000;
}
