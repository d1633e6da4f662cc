// The style sheets of the chat, loaded without permissions of the embedding page.

/** Loads these sheets for a window's document; one that cannot be loaded is empty. */
export function loadStyles(names, view = window) {
  // Fetched, because a Content-Security-Policy of the page may forbid a link to our styles.
  return Promise.all(names.map(async (name) => {
    const sheet = new view.CSSStyleSheet();
    try {
      const answer = await fetch(new URL(name, import.meta.url));
      return await sheet.replace(answer.ok ? await answer.text() : "");
    } catch {
      return sheet; // the text is readable without it
    }
  }));
}
