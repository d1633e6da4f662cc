// What the facts and the results are put together with.

import { make } from "../view.js";

/** Words for those who do not see what they belong to. */
export function makeUnseen(words) {
  return make("span", "unseen", words);
}

/** Makes a change in an element; what had the focus has it afterwards, even if it was moved. */
export function keepFocus(element, change) {
  const root = element.getRootNode();
  const focused = root.activeElement;
  change();
  if (focused && focused !== root.activeElement && element.contains(focused)) {
    if (!focused.checkVisibility()) {
      focused.closest("details:not([open])").open = true; // it was moved to where it is folded away
    }
    focused.focus({ preventScroll: true });
  }
}

/** Marks an element whose words come from the server, which writes English. */
export function markEnglish(element, t) {
  if (t.language !== "en") {
    element.lang = "en";
  }
  return element;
}
