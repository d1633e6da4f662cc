// What this tab stores across reloads: the token and the history of the charts.

import { trimPoints } from "./series.js";

const TOKEN = "ops.token";
const HISTORY = "ops.history";

/** Reads the token, or null. */
export function readToken() {
  return read(TOKEN);
}

export function keepToken(value) {
  write(TOKEN, value);
}

/** Reads the recent points, and the sample with which the next one is compared. */
export function readHistory(now) {
  try {
    const { points, last } = JSON.parse(read(HISTORY));
    return { points: trimPoints(points, now), last };
  } catch {
    return { points: [], last: null }; // there is none, or none of this release
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
    return null; // forbidden by the browser: a reload asks for the token again
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
