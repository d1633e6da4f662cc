// The view of a document, built from elements and text only.

import { make, makeText, setText } from "../view.js";
import { AGENTS } from "./state.js";

const DASH = "–";

/** Builds a message with the name of its author. */
export function buildMessage({ role, content, agent }) {
  const who = role === "user" ? "You" : formatTitle(agent ?? role);
  return make("article", `message ${role === "user" ? "user" : "assistant"}`,
    make("p", "who hint", who, make("span", "unseen", ":")),
    makeText("p", "words", content));
}

/** Builds a line of the event log. */
export function buildEvent({ timestamp, agent, event: what, details }) {
  const time = make("time", "hint", formatTime(timestamp));
  time.dateTime = timestamp ?? "";
  const said = typeof details === "string" ? details : details && JSON.stringify(details);
  return make("li", "event", time, " ",
    make("strong", "", formatTitle(agent ?? "")), ` ${what}`, said && makeText("span", "hint", ` ${said}`));
}

/** Updates the cards of all agents, which are built once. */
export function updateCards(place, agents) {
  for (const [name, agent] of Object.entries(agents)) {
    const known = [...place.children].find((element) => element.dataset.agent === name);
    const card = known ?? place.appendChild(buildCard(name));
    const { tokens, words_in: read, words_out: written, cost, latency } = agent.metrics ?? {};
    fill(card, "status", agent.status);
    fill(card, "model", agent.model ?? DASH);
    fill(card, "tokens", read === undefined ? tokens ?? DASH : `${tokens} (${read} in, ${written} out)`);
    fill(card, "cost", cost ?? DASH);
    fill(card, "latency", latency === undefined ? DASH : `${latency} ms`);
    card.querySelector(".status").dataset.status = agent.status;
  }
}

function buildCard(name) {
  const row = (member, label) => make("div", "", make("dt", "", label), make("dd", member));
  const card = make("article", "agent",
    make("div", "top", make("h3", "", formatTitle(name)), make("p", "status")),
    make("dl", "", row("model", "Model"), row("tokens", "Tokens, in words"), row("cost", "Cost"),
      row("latency", "Last answer took")));
  card.dataset.agent = name;
  card.setAttribute("aria-label", formatTitle(name));
  return card;
}

function fill(card, member, value) {
  setText(card.querySelector(`.${member}`), String(value));
}

function formatTitle(name) {
  return Object.hasOwn(AGENTS, name) ? AGENTS[name] : name.charAt(0).toUpperCase() + name.slice(1);
}

function formatTime(timestamp) {
  const time = new Date(timestamp);
  return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString();
}
