// What the views are put together with; what is on the page already is left there where it can be.

import { make } from "../view.js";

const LOCALES = { en: "en-GB" }; // the day before the month, as in the acts

/** A button that does something; `label` may hold elements. */
export function button(className, act, ...label) {
  const element = make("button", className, ...label);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** Words for those who do not see what they belong to. */
export function unseen(words) {
  return make("span", "unseen", words);
}

/** Changes a text only if it is another one, as a change is read out. */
export function say(element, words) {
  if (element.textContent !== words) {
    element.textContent = words;
  }
}

/** Makes a place hold exactly these elements in this order, moving as few as it can. */
export function arrange(place, wanted) {
  const kept = new Set(wanted);
  [...place.children].filter((element) => !kept.has(element)).forEach((element) => element.remove());
  wanted.forEach((element, index) => {
    if (place.children[index] !== element) {
      place.insertBefore(element, place.children[index] ?? null);
    }
  });
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
export function english(element, t) {
  if (t.language !== "en") {
    element.lang = "en";
  }
  return element;
}

/** A date as people write it in the language of the page; what is no date stays as it is. */
export function day(date, t) {
  const time = Date.parse(date);
  return Number.isNaN(time) ? String(date)
    : format(t.language, { dateStyle: "long", timeZone: "UTC" }).format(time);
}

/** Tells a moment: today's by the hour, another day's with the day. */
export function clockOf(language) {
  const hour = format(language, { timeStyle: "short" });
  const whole = format(language, { dateStyle: "medium", timeStyle: "short" });
  return (at) => {
    const moment = new Date(at);
    if (Number.isNaN(moment.getTime())) {
      return "";
    }
    return (moment.toDateString() === new Date().toDateString() ? hour : whole).format(moment);
  };
}

function format(language, style) {
  return new Intl.DateTimeFormat(LOCALES[language] ?? language, style);
}
