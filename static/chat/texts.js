// The texts of the interface, from a catalogue for each language.

const LANGUAGES = ["en", "de"];

/** Chooses the first wanted language that has a catalogue, else English. */
export function chooseLanguage(...wanted) {
  const known = wanted.filter(Boolean).map((tag) => tag.toLowerCase().split("-")[0]);
  return known.find((language) => LANGUAGES.includes(language)) ?? "en";
}

/**
 * Loads a function that returns a text by its dotted name: `t("chat.send")`, with values for its
 * {places}: `t("chat.left", { count: 3 })`. `count` selects between the forms `one` and `other` of an
 * entry. `t.language` is the catalogue's language; `t.has(name)` says whether there is such a text.
 * An unknown name throws.
 */
export async function load(language) {
  return createTranslator(await fetchCatalogue(language), language);
}

/** Adds the texts of a part that is loaded later to a function from `load`. */
export async function loadPart(t, part) {
  t.add(await fetchCatalogue(`${t.language}.${part}`));
}

async function fetchCatalogue(name) {
  const answer = await fetch(new URL(`texts/${name}.json`, import.meta.url));
  if (!answer.ok) {
    throw new Error(`There is no catalogue of texts named ${name}.`);
  }
  return answer.json();
}

/** Creates the function of `load` from a catalogue. */
function createTranslator(catalogue, language) {
  const plural = new Intl.PluralRules(language);
  const find = (name) => name.split(".").reduce((level, part) => level?.[part], catalogue);
  const t = (name, values = {}) => {
    const found = find(name);
    const text = found?.other ? found[plural.select(values.count)] ?? found.other : found;
    if (typeof text !== "string") {
      throw new Error(`There is no text named ${name}.`);
    }
    return text.replace(/\{(\w+)\}/g, (_, place) => values[place]);
  };
  return Object.assign(t, {
    language,
    has: (name) => typeof find(name) === "string",
    add: (more) => Object.assign(catalogue, more),
  });
}
