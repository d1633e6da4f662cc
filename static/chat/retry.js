// Whether and when to retry a request that was refused.

const LONGEST_PAUSE_S = 30;
const LONGEST_WAIT_S = 3600; // upper bound for Retry-After; timers cannot wait for weeks
const BUSY = [0, 429, 502, 503, 504]; // HTTP statuses, or 0 for no answer: a retry may succeed
const CONFLICT = "session_conflict";

/** Whether the same request may succeed later. */
export function isTemporary({ status, code }) {
  return BUSY.includes(status) || code === CONFLICT;
}

/** Milliseconds to wait after so many failures, with jitter so that browsers do not return at once. */
export function computePause({ retryAfter }, failures) {
  const grown = Math.min(2 ** (failures - 1), LONGEST_PAUSE_S);
  const seconds = Math.max(Math.min(retryAfter, LONGEST_WAIT_S), grown);
  return seconds * (1 + Math.random() / 4) * 1000;
}
