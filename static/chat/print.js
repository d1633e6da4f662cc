// The results on paper: a document of their own in a frame, whatever page they are shown in.

import { make, makeText } from "../view.js";
import { Card, groupNorms } from "./cards.js";
import { formatDay } from "./dates.js";
import { formatFact } from "./export.js";
import { markEnglish } from "./parts.js";
import { loadStyles } from "./styles.js";

const FRAME = "teaser-chat-print";

/**
 * Prints an analysis with the facts it rests on, everything unfolded. It resolves once the browser
 * was asked to print.
 */
export async function printResults(analysis, facts, t) {
  document.getElementById(FRAME)?.remove(); // of a browser that does not tell when it has printed
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

/** A frame with an empty document; some browsers put that in only after a while. */
function openFrame() {
  const frame = make("iframe", "");
  Object.assign(frame, { id: FRAME, tabIndex: -1, ariaHidden: "true" });
  // One that is not displayed would be printed empty.
  Object.assign(frame.style, { position: "fixed", width: 0, height: 0, border: 0, insetInlineEnd: "100%" });
  return new Promise((resolve) => {
    frame.addEventListener("load", () => resolve(frame), { once: true });
    document.body.append(frame);
  });
}

/** The document's content; what it is made of becomes the frame's own when it is put there. */
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
