// What the page shows, built from elements and text only: nothing received is read as markup.

const GROUPS = [
  ["applies", "Applies"],
  ["to_be_checked", "To be checked"],
  ["watch", "Watch"],
  ["does_not_apply", "Does not apply"],
];

/** An element with its content: texts, other elements, and what is to be left out if it is empty. */
export function make(tag, className, ...content) {
  const element = document.createElement(tag);
  element.className = className;
  element.append(...content.filter((part) => part)); // strings become text nodes
  return element;
}

/** An element with somebody's words, in whichever direction they are written. */
export function text(tag, className, content) {
  const element = make(tag, className, content);
  element.dir = "auto";
  return element;
}

/** One message of the chat. */
export function message({ role, content }) {
  const who = make("span", "unseen", role === "user" ? "You: " : "Assistant: ");
  return make("article", `message ${role === "user" ? "user" : "assistant"}`, who,
    text("p", "words", content));
}

/** One question about the analysis with its answer. */
export function answered({ question, answer, proposed_description: proposed }) {
  return make("article", "answered",
    text("h3", "words", question),
    text("p", "words", answer),
    proposed && make("p", "proposed", "The changed product would be described as: ",
      text("q", "words", proposed)));
}

/** The results in their groups; those that apply come in the server's order, best first. */
export function results(analysis) {
  const matched = analysis.norms ?? analysis.matched_norms;
  const groups = GROUPS.map(([status, title]) => [status, title, status === "applies"
    ? matched : analysis.all_norm_results.filter((norm) => norm.status === status)]);
  return [text("p", "description words", analysis.product_description),
    ...groups.filter(([, , norms]) => norms.length).map((found) => group(...found))];
}

function group(status, title, norms) {
  const list = make("ul", "norms", ...norms.map(normItem));
  const heading = `${title} (${norms.length})`;
  if (status === "does_not_apply") {
    return make("details", `group ${status}`, make("summary", "", make("h3", "", heading)), list);
  }
  return make("section", `group ${status}`, make("h3", "", heading), list);
}

function normItem(norm) {
  // The reasoning may repeat the doubts; each stands on a line of its own instead.
  const doubts = norm.doubts.map((doubt) => `Not certain: ${doubt}`);
  const reasons = doubts.reduce((left, doubt) => left.replace(doubt, ""), norm.reasoning).trim();
  return make("li", "norm",
    make("h4", "", norm.norm_name),
    make("p", "hint", `${norm.norm_id} · ${norm.confidence} % confident`),
    make("p", "words", reasons),
    ...doubts.map((doubt) => make("p", "doubt", doubt)),
    /^https?:\/\//i.test(norm.url) && make("p", "", link(norm)));
}

function link({ url, norm_name: name }) {
  const anchor = make("a", "", "Read more", make("span", "unseen", ` about ${name}`));
  anchor.href = url;
  anchor.target = "_blank";
  anchor.rel = "noopener noreferrer";
  return anchor;
}

/** Says what went wrong, with one button that helps. Without a sentence it says nothing. */
export function notice(place, sentence = "", label = "", act = null) {
  place.replaceChildren();
  if (!sentence) {
    return;
  }
  const box = make("div", "notice", make("p", "", sentence));
  if (act) {
    const button = make("button", "", label);
    button.type = "button";
    button.addEventListener("click", act);
    box.append(button);
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
