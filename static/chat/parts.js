// Helpers for the elements of facts and results.

import { make } from "../view.js";

/** Text for screen readers only. */
export function makeUnseen(words) {
  return make("span", "unseen", words);
}

/** Changes an element and restores the focus, even if the focused part was moved. */
export function keepFocus(element, change) {
  const root = element.getRootNode();
  const focused = root.activeElement;
  change();
  if (focused && focused !== root.activeElement && element.contains(focused)) {
    if (!focused.checkVisibility()) {
      focused.closest("details:not([open])").open = true; // it was moved into a closed section
    }
    focused.focus({ preventScroll: true });
  }
}

/** Marks an element whose text comes from the server, which writes English. */
export function markEnglish(element, t) {
  if (t.language !== "en") {
    element.lang = "en";
  }
  return element;
}
