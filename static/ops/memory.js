// What this tab remembers over a reload: the token, and the history of the charts.

import { trimPoints } from "./series.js";

const TOKEN = "ops.token";
const HISTORY = "ops.history";

/** The token, or null. */
export function readToken() {
  return read(TOKEN);
}

export function keepToken(value) {
  write(TOKEN, value);
}

/** The points that are young enough, and the look that the next one is compared with. */
export function readHistory(now) {
  try {
    const { points, last } = JSON.parse(read(HISTORY));
    return { points: trimPoints(points, now), last };
  } catch {
    return { points: [], last: null }; // there was none, or none of this release
  }
}

export function keepHistory(points, last) {
  write(HISTORY, JSON.stringify({ points, last }));
}

export function forgetAll() {
  write(TOKEN, null);
  write(HISTORY, null);
}

function read(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null; // the browser forbids it: a reload asks for the token again
  }
}

function write(key, value) {
  try {
    if (value === null) {
      sessionStorage.removeItem(key);
    } else {
      sessionStorage.setItem(key, value);
    }
  } catch {
    // as above
  }
}
