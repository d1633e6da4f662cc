// One script tag that puts the chat where it stands in a page:
//   <script src="https://chat.example.com/static/chat/embed.js" async></script>
// Its attributes data-lang, data-theme and data-server become those of the element.

{
  const script = document.currentScript;
  const element = document.createElement("teaser-chat");
  for (const name of ["lang", "theme", "server"]) {
    if (script.dataset[name]) {
      element.setAttribute(name, script.dataset[name]);
    }
  }
  script.after(element);
  import(new URL("teaser-chat.js", script.src).href);
}
