// Helpers that build pages from elements and text only: nothing received is parsed as markup.

/** Makes an element with its content: texts and elements; empty ones are left out. */
export function make(tag, className, ...content) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...content.filter((part) => part)); // strings become text nodes
  return element;
}

/** Makes an element with a text whose writing direction is detected. */
export function makeText(tag, className, content) {
  const element = make(tag, className, content);
  element.dir = "auto";
  return element;
}

/** Makes a button; `label` may contain elements. */
export function makeButton(className, act, ...label) {
  const element = make("button", className, ...label);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** Sets a text only if it differs, because changes are announced. */
export function setText(element, words) {
  if (element.textContent !== words) {
    element.textContent = words;
  }
}

/** Makes these elements the children of a place, in this order, moving as few as possible. */
export function setChildren(place, wanted) {
  const kept = new Set(wanted);
  [...place.children].filter((element) => !kept.has(element)).forEach((element) => element.remove());
  wanted.forEach((element, index) => {
    if (place.children[index] !== element) {
      place.insertBefore(element, place.children[index] ?? null);
    }
  });
}

/**
 * Shows a list of entries and keeps the elements already shown, which may be being read; `renew`
 * updates them.
 */
export function arrange(place, entries, build, renew = () => {}) {
  const shown = new Map([...place.children].map((element) => [element.dataset.key, element]));
  setChildren(place, entries.map((entry) => {
    const key = entry.id ?? JSON.stringify(entry);
    const element = shown.get(key) ?? build(entry);
    element.dataset.key = key;
    renew(element, entry);
    return element;
  }));
}

/** Shows what went wrong, with one button that helps; without a sentence it shows nothing. */
export function showNotice(place, sentence = "", label = "", act = null) {
  place.replaceChildren();
  if (!sentence) {
    return;
  }
  const box = make("div", "notice", make("p", "", sentence));
  if (act) {
    box.append(makeButton("", act, label));
  }
  place.append(box);
}

/** Makes Enter submit the form of a field, and Shift+Enter start a new line. */
export function sendOnEnter(field) {
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      field.form.requestSubmit();
    }
  });
}
