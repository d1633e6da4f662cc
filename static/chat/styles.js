// The style sheets of the chat, without anything being allowed by the page that shows it.

/** Gives these sheets for a document of a window; one that does not come is as good as empty. */
export function loadStyles(names, view = window) {
  // Fetched, as a page that allows itself no styles but its own would refuse a link to ours.
  return Promise.all(names.map(async (name) => {
    const sheet = new view.CSSStyleSheet();
    try {
      const answer = await fetch(new URL(name, import.meta.url));
      return await sheet.replace(answer.ok ? await answer.text() : "");
    } catch {
      return sheet; // the words can be read without it
    }
  }));
}
