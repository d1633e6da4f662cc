// What pages show, built from elements and text only: nothing received is read as markup.

/** An element with its content: texts, other elements, and what is to be left out if it is empty. */
export function make(tag, className, ...content) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...content.filter((part) => part)); // strings become text nodes
  return element;
}

/** An element with somebody's words, in whichever direction they are written. */
export function makeText(tag, className, content) {
  const element = make(tag, className, content);
  element.dir = "auto";
  return element;
}

/** A button that does something; `label` may hold elements. */
export function makeButton(className, act, ...label) {
  const element = make("button", className, ...label);
  element.type = "button";
  element.addEventListener("click", act);
  return element;
}

/** Changes a text only if it is another one, as a change is read out. */
export function setText(element, words) {
  if (element.textContent !== words) {
    element.textContent = words;
  }
}

/** Makes a place hold exactly these elements in this order, moving as few as it can. */
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
 * Shows a list of entries and leaves alone what is shown already, as it may be being read; what may
 * have changed of it is brought up to date by `renew`.
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

/** Says what went wrong, with one button that helps. Without a sentence it says nothing. */
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

/** Lets Enter send a form from one of its fields, and Shift with Enter begin a new line. */
export function sendOnEnter(field) {
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      field.form.requestSubmit();
    }
  });
}
