// A script tag that inserts the chat at its place in a page:
//   <script src="https://chat.example.com/static/chat/embed.js" async></script>
// Its attributes data-lang, data-theme and data-server are copied to the element.

{
  const script = document.currentScript;
  const element = document.createElement("teaser-chat");
  for (const name of ["lang", "theme", "server"]) {
    if (script.dataset[name]) {
      element.setAttribute(name, script.dataset[name]);
    }
  }
  script.after(element);
  import(new URL("teaser-chat.js", script.src).href).catch(() => {
    // The server is unavailable, or does not let this site embed it; a page cannot tell which.
    const link = document.createElement("a");
    link.href = new URL("/develope", script.src).href;
    link.textContent = link.href;
    const isGerman = (element.lang || navigator.language).startsWith("de");
    element.append(isGerman ? "Der Chat kann hier nicht gezeigt werden; Sie finden ihn unter "
      : "The chat cannot be shown here; you find it at ", link, ".");
  });
}
