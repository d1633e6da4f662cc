// What the page shows of a document, built from elements and text only.

import { make, say, text } from "../view.js";
import { AGENTS } from "./state.js";

const DASH = "–";

/** One message with the name of who said it. */
export function message({ role, content, agent }) {
  const who = role === "user" ? "You" : title(agent ?? role);
  return make("article", `message ${role === "user" ? "user" : "assistant"}`,
    make("p", "who hint", who, make("span", "unseen", ":")),
    text("p", "words", content));
}

/** One line of the event log. */
export function event({ timestamp, agent, event: what, details }) {
  const time = make("time", "hint", clock(timestamp));
  time.dateTime = timestamp ?? "";
  const said = typeof details === "string" ? details : details && JSON.stringify(details);
  return make("li", "event", time, " ",
    make("strong", "", title(agent ?? "")), ` ${what}`, said && text("span", "hint", ` ${said}`));
}

/** The cards of all agents, made once and then only changed. */
export function cards(place, agents) {
  for (const [name, agent] of Object.entries(agents)) {
    const known = [...place.children].find((element) => element.dataset.agent === name);
    const card = known ?? place.appendChild(blankCard(name));
    const { tokens, words_in: read, words_out: written, cost, latency } = agent.metrics ?? {};
    fill(card, "status", agent.status);
    fill(card, "model", agent.model ?? DASH);
    fill(card, "tokens", read === undefined ? tokens ?? DASH : `${tokens} (${read} in, ${written} out)`);
    fill(card, "cost", cost ?? DASH);
    fill(card, "latency", latency === undefined ? DASH : `${latency} ms`);
    card.querySelector(".status").dataset.status = agent.status;
  }
}

function blankCard(name) {
  const row = (member, label) => make("div", "", make("dt", "", label), make("dd", member));
  const card = make("article", "agent",
    make("div", "top", make("h3", "", title(name)), make("p", "status")),
    make("dl", "", row("model", "Model"), row("tokens", "Tokens, in words"), row("cost", "Cost"),
      row("latency", "Last answer took")));
  card.dataset.agent = name;
  card.setAttribute("aria-label", title(name));
  return card;
}

function fill(card, member, value) {
  say(card.querySelector(`.${member}`), String(value));
}

function title(name) {
  return Object.hasOwn(AGENTS, name) ? AGENTS[name] : name.charAt(0).toUpperCase() + name.slice(1);
}

function clock(timestamp) {
  const time = new Date(timestamp);
  return Number.isNaN(time.getTime()) ? "" : time.toLocaleTimeString();
}
