// The results on paper: a document of their own in a frame, whatever page they are shown in.

import { make, text } from "../view.js";
import { Card, grouped } from "./cards.js";
import { day } from "./dates.js";
import { factWords } from "./export.js";
import { english } from "./parts.js";
import { styles } from "./styles.js";

const FRAME = "teaser-chat-print";

/**
 * Prints an analysis with the facts it rests on, everything unfolded. It resolves once the browser
 * was asked to print.
 */
export async function printResults(analysis, facts, t) {
  document.getElementById(FRAME)?.remove(); // of a browser that does not tell when it has printed
  const frame = await opened();
  const page = frame.contentDocument;
  page.documentElement.lang = t.language;
  page.documentElement.className = "paper";
  page.title = t("export.heading");
  page.adoptedStyleSheets = await styles(["teaser-chat.css", "results.css"], frame.contentWindow);
  page.body.append(...content(analysis, facts, t));
  frame.contentWindow.addEventListener("afterprint", () => frame.remove());
  frame.contentWindow.print();
}

/** A frame with an empty document; some browsers put that in only after a while. */
function opened() {
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
function content(analysis, facts, t) {
  const today = new Date().toISOString().slice(0, 10);
  return [
    make("h1", "", t("export.heading")),
    make("p", "hint", t("export.made", { date: day(today, t) })),
    english(text("p", "description", analysis.product_description), t),
    english(text("p", "disclaimer", analysis.disclaimer), t),
    ...grouped(analysis).filter(([, norms]) => norms.length).map(([status, norms]) =>
      make("section", `group ${status}`,
        make("h2", "", `${t(`results.status.${status}`)} (${norms.length})`),
        make("ul", "norms", ...norms.map((norm) => card(norm, t))))),
    make("h2", "", t("facts.heading")),
    make("ul", "", ...facts.map((fact) => make("li", "",
      english(text("span", "", `${fact.label}: `), t), factWords(fact, t)))),
    make("h2", "", t("results.percentages")),
    make("p", "", t("results.confidence_note")),
  ];
}

function card(norm, t) {
  const made = new Card(t, true);
  made.update(norm);
  return made.element;
}
