// The words of the interface, from the catalogue of a language beside this file.

const LANGUAGES = ["en", "de"];

/** The language to use: the first one wanted that there is a catalogue for, else English. */
export function chooseLanguage(...wanted) {
  const known = wanted.filter(Boolean).map((tag) => tag.toLowerCase().split("-")[0]);
  return known.find((language) => LANGUAGES.includes(language)) ?? "en";
}

/**
 * Gives the function that tells a text by its dotted name: `t("chat.send")`, with the values of its
 * {places}: `t("chat.left", { count: 3 })`. An entry of the forms `one` and `other` is chosen
 * between by `count`. `t.language` is the catalogue's, `t.has(name)` tells whether there is one.
 * A name that is not in the catalogue throws: it is a mistake of ours.
 */
export async function load(language) {
  return createTranslator(await fetchCatalogue(language), language);
}

/** Adds the texts of a part of the chat that is loaded later to a function that `load` gave. */
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

/** As `load`, from a catalogue at hand. */
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
