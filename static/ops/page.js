// The operators' page: asks for the token, polls the status every two seconds, and shows it.

import { Refusal, request } from "../api.js";
import { make, setText, showNotice } from "../view.js";
import { Chart } from "./chart.js";
import * as memory from "./memory.js";
import { buildPoint, pickEssence, sumOverMinutes, trimPoints } from "./series.js";
import * as view from "./view.js";

const EVERY_MS = 2000;
const SLOW_MS = 5000;
const LONGEST_PAUSE_MS = 60_000;
const SAVE_EVERY = 15;
const WRONG = "This is not the token; please look at OPS_TOKEN again.";
const OFF = "There is no such page any more: OPS_TOKEN is not set.";
const SENDABLE = /^[!-~]+$/; // what a header can contain

const at = (id) => document.getElementById(id);
const form = at("token-form");
const field = form.elements.token;
const MINUTE = ["compared", "lag", "mismatched"];

const formatShort = (value) => (value < 10 ? value.toFixed(1) : value.toFixed(0));
const formatMillis = (value) => (value < 1000 ? `${formatShort(value)} ms` : `${(value / 1000).toFixed(1)} s`);
const CHARTS = [
  new Chart({ title: "Sessions", note: "That have not expired, on all hosts.",
    lines: [["conversations", "conversations"], ["sessions", "all kinds"]] }),
  new Chart({ title: "Requests per second", note: "Of this host.", format: formatShort,
    lines: [["requests", "all"], ["missing", "answered 404"], ["errors", "answered 500 and above"]] }),
  new Chart({ title: "How long requests take", note: "Until an answer begins, on this host.",
    format: formatMillis, lines: [["p50", "half of them, at most"], ["p95", "95 of 100, at most"]] }),
  new Chart({ title: "Breaker", note: "The worst of this host's processes.",
    bands: ["closed", "half open", "open"], lines: [["breaker", "engine"]] }),
  new Chart({ title: "Backlog", note: "What the engine lacks of this host.",
    lines: [["spill", "in the spill"], ["unsent", "unsent copies"]] }),
  new Chart({ title: "Comparison of the copies", note: "In the last minute, on this host.",
    lines: [["compared", "compared"], ["lag", "other version"], ["mismatched", "mismatches"]] }),
];

const past = memory.readHistory(Date.now());
let { points, last } = past;
let token = memory.readToken();
let timer = 0;
let busy = false;
let failures = 0;
let pausedUntil = 0;
let seenAt = points.at(-1)?.at ?? 0;

function fetchStatus(secret) {
  return request("GET", "/ops/status", null, { Authorization: `Bearer ${secret}` });
}

async function poll() {
  if (busy || !token || document.hidden) {
    return; // polling continues after the request, the login or the return to the tab
  }
  if (Date.now() < pausedUntil) {
    scheduleNext();
    return;
  }
  busy = true;
  const used = token;
  const waiting = setTimeout(() => showAge("The server has not answered yet."), SLOW_MS);
  try {
    const { answer } = await fetchStatus(used);
    if (used === token) {
      handleAnswer(answer);
    }
  } catch (error) {
    if (used === token) {
      explain(error);
    }
  } finally {
    clearTimeout(waiting);
    busy = false;
    scheduleNext();
  }
}

function scheduleNext() {
  clearTimeout(timer);
  timer = setTimeout(poll, Math.max(EVERY_MS, pausedUntil - Date.now()));
}

function handleAnswer(answer) {
  const now = Date.now();
  points = trimPoints([...points, buildPoint(last, answer, now)], now);
  last = pickEssence(answer);
  seenAt = now;
  failures = 0;
  if (points.length % SAVE_EVERY === 0) {
    memory.keepHistory(points, last);
  }
  show(answer);
  showNews(`As of ${formatClock(now)}, looked at every ${EVERY_MS / 1000} s.`, false);
}

/** Handles a failed poll: waits as long as the server wants, and continues. */
function explain(error) {
  if (!(error instanceof Refusal)) {
    throw error;
  }
  if (error.status === 401) {
    forget(WRONG);
    return;
  }
  let pause = EVERY_MS;
  if (error.status === 429 || error.status === 503) {
    pause = Math.max(error.retryAfter * 1000,
      Math.min(EVERY_MS * 2 ** (failures + 1), LONGEST_PAUSE_MS));
    pausedUntil = Date.now() + pause;
  }
  failures += 1;
  const why = error.status === 404 ? OFF : error.message;
  showAge(`${why} The next look is in ${Math.round(pause / 1000)} s.`);
  drawCharts();
}

/** Shows since when the numbers are old, and why. */
function showAge(why) {
  const since = seenAt ? `These numbers are old: they are of ${formatClock(seenAt)}.`
    : "There are no numbers yet.";
  showNews(`${since} ${why}`, true);
}

/** Only a change of the kind of message is announced, not the time. */
function showNews(sentence, old) {
  setText(at("age"), old ? "" : sentence);
  if (old ? at("old").textContent !== sentence : at("old").children.length) {
    showNotice(at("old"), old ? sentence : "");
  }
  at("board").classList.toggle("is-old", old);
}

function show(answer) {
  const { migration } = answer;
  const wanted = migration ? migration.stage : answer.stage;
  document.title = `${wanted ?? "unknown stage"}${answer.degraded ? ", degraded" : ""} – Operations`;
  view.showSteps(at("steps"), wanted);
  view.showFacts(at("serving"), view.listServing(answer));
  view.showFacts(at("counts"), view.listCounts(answer));
  view.showFacts(at("runbook"), view.listRunbook(answer));
  showList(at("troubles"), view.listTroubles(answer));
  showNext(view.describeNextStep(migration));
  at("workers").hidden = !migration;
  view.showWorkers(at("rows"), migration?.workers ?? [], wanted ?? "a stage known here");
  setText(at("no-workers"), workersNote(migration));
  drawCharts();
}

function workersNote(migration) {
  if (!migration) {
    return "Who lives is unknown: the engine does not answer.";
  }
  return migration.workers.length ? "" : "No worker reports; one that runs reports every second.";
}

function showNext({ sentence, command = "", reasons = [] }) {
  const line = at("next-sentence");
  const typed = command && `flask migration ${command}`;
  if (line.dataset.said !== sentence + typed) {
    line.dataset.said = sentence + typed;
    line.replaceChildren(sentence, ...(typed ? [" ", make("code", "", typed)] : []));
  }
  showList(at("reasons"), reasons);
}

/** Shows a list of sentences; it is changed only if they differ, because it may be announced. */
function showList(place, sentences) {
  const shown = [...place.children].map((item) => item.textContent);
  if (shown.join("\n") !== sentences.join("\n")) {
    place.replaceChildren(...sentences.map((sentence) => make("li", "", sentence)));
  }
}

function drawCharts() {
  const shown = sumOverMinutes(points, MINUTE);
  CHARTS.forEach((chart) => chart.show(shown, Date.now()));
}

function formatClock(time) {
  return new Date(time).toLocaleTimeString();
}

function showBoard(isOpen) {
  at("gate").hidden = isOpen;
  at("board").hidden = !isOpen;
  at("forget").hidden = !isOpen;
}

async function submitToken(secret) {
  if (!SENDABLE.test(secret)) {
    refuse(WRONG);
    return;
  }
  refuse("");
  try {
    const { answer } = await fetchStatus(secret);
    token = secret;
    memory.keepToken(secret);
    form.reset();
    showBoard(true);
    handleAnswer(answer);
    at("board-title").focus();
    scheduleNext();
  } catch (error) {
    if (!(error instanceof Refusal)) {
      throw error;
    }
    refuse(error.status === 401 ? WRONG : error.message);
  }
}

function refuse(sentence) {
  setText(at("token-error"), sentence);
  field.setAttribute("aria-invalid", String(Boolean(sentence)));
  if (sentence) {
    field.focus();
  }
}

function forget(why = "") {
  clearTimeout(timer);
  memory.forgetAll();
  [token, points, last, seenAt, failures, pausedUntil] = [null, [], null, 0, 0, 0];
  document.title = "Operations";
  showBoard(false);
  refuse(why);
  field.focus();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  submitToken(field.value.trim());
});
at("forget").addEventListener("click", () => forget());
document.addEventListener("visibilitychange", poll);
addEventListener("pagehide", () => {
  if (token) {
    memory.keepHistory(points, last);
  }
});

at("charts").append(...CHARTS.map((chart) => chart.element));
showBoard(Boolean(token));
if (token) {
  drawCharts();
}
form.querySelector("fieldset").disabled = false;
poll();
