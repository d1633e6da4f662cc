// The results on paper: a separate document in a frame, independent of the page.

import { make, makeText } from "../view.js";
import { Card, groupNorms } from "./cards.js";
import { formatDay } from "./dates.js";
import { formatFact } from "./export.js";
import { markEnglish } from "./parts.js";
import { loadStyles } from "./styles.js";

const FRAME = "teaser-chat-print";

/**
 * Prints an analysis with the facts it is based on, everything unfolded. Resolves once the print
 * dialog was requested.
 */
export async function printResults(analysis, facts, t) {
  document.getElementById(FRAME)?.remove(); // left over in browsers without "afterprint"
  const frame = await openFrame();
  const page = frame.contentDocument;
  page.documentElement.lang = t.language;
  page.documentElement.className = "paper";
  page.title = t("export.heading");
  page.adoptedStyleSheets = await loadStyles(["teaser-chat.css", "results.css"], frame.contentWindow);
  page.body.append(...buildContent(analysis, facts, t));
  frame.contentWindow.addEventListener("afterprint", () => frame.remove());
  frame.contentWindow.print();
}

/** Opens a frame with an empty document, which some browsers load with a delay. */
function openFrame() {
  const frame = make("iframe", "");
  Object.assign(frame, { id: FRAME, tabIndex: -1, ariaHidden: "true" });
  // A hidden frame would be printed empty.
  Object.assign(frame.style, { position: "fixed", width: 0, height: 0, border: 0, insetInlineEnd: "100%" });
  return new Promise((resolve) => {
    frame.addEventListener("load", () => resolve(frame), { once: true });
    document.body.append(frame);
  });
}

/** Builds the content; the frame adopts its elements when they are appended. */
function buildContent(analysis, facts, t) {
  const today = new Date().toISOString().slice(0, 10);
  return [
    make("h1", "", t("export.heading")),
    make("p", "hint", t("export.made", { date: formatDay(today, t) })),
    markEnglish(makeText("p", "description", analysis.product_description), t),
    markEnglish(makeText("p", "disclaimer", analysis.disclaimer), t),
    ...groupNorms(analysis).filter(([, norms]) => norms.length).map(([status, norms]) =>
      make("section", `group ${status}`,
        make("h2", "", `${t(`results.status.${status}`)} (${norms.length})`),
        make("ul", "norms", ...norms.map((norm) => buildCard(norm, t))))),
    make("h2", "", t("facts.heading")),
    make("ul", "", ...facts.map((fact) => make("li", "",
      markEnglish(makeText("span", "", `${fact.label}: `), t), formatFact(fact, t)))),
    make("h2", "", t("results.percentages")),
    make("p", "", t("results.confidence_note")),
  ];
}

function buildCard(norm, t) {
  const made = new Card(t, true);
  made.update(norm);
  return made.element;
}
