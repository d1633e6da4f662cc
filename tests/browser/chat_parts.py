"""The parts of the chat by themselves: shown in a shadow root, with a real analysis in them."""

from typing import Any

from playwright.sync_api import Locator

from services.conversation import analysis
from services.norms.catalogue import DISCLAIMER
from services.norms.facts import FACTS, Kind, add_implications, format_day, phrase_fact
from tests.browser.visit import Visit

STATED = {"electrical": True, "radio": True, "battery": True, "v_ac": 0, "market_date": 20_270_101}
ASSUMED = {"consumer": True}
DESCRIPTION = "“USB lamp”. Understood: it is electrical."

PREPARED = """async (language) => {
  const part = (name) => import(`/static/chat/${name}.js`);
  const [texts, { Results }, { Facts }] =
    await Promise.all([part("texts"), part("results"), part("facts")]);
  const t = await texts.load(language);
  await texts.loadPart(t, "details");
  const host = document.createElement("main");
  const root = host.attachShadow({ mode: "open" });
  const styles = ["teaser-chat.css", "results.css"].map((name) => new Promise((resolve) => {
    const link = Object.assign(document.createElement("link"),
      { rel: "stylesheet", href: `/static/chat/${name}`, onload: resolve });
    root.append(link);
  }));
  const title = Object.assign(document.createElement("h1"), { textContent: t("title") });
  const section = Object.assign(document.createElement("h2"), { textContent: t("results.title") });
  document.querySelectorAll("link[rel=stylesheet]").forEach((link) => link.remove());
  document.body.replaceChildren(host);
  document.documentElement.lang = language;
  host.style.background = "var(--page)"; // as whoever shows the parts has to give them one
  const said = [];
  const results = new Results(t);
  const facts = new Facts(t, { onCorrect: (change) => said.push(change) });
  root.append(title, section, facts.element, results.element);
  const update = (state) => { facts.update(state); results.update(state); };
  await Promise.all(styles);
  window.parts = { t, host, root, said, update };
}"""


def found(**stated: bool | int) -> dict[str, Any]:
    """What the server tells of an analysis of a product with these facts, and the facts."""
    facts = add_implications({**STATED, **ASSUMED, **stated})
    norms = list(analysis.check_norms(facts, assumed=tuple(ASSUMED)))
    return {
        "analysis": {
            "product_description": DESCRIPTION,
            "matched_norms": [norm.as_dict() for norm in analysis.select_matched(norms)],
            "all_norm_results": [norm.as_dict() for norm in norms],
            "disclaimer": DISCLAIMER,
        },
        "facts": [_fact(name, facts.get(name)) for name in FACTS],
        "busy": False,
    }


def _fact(name: str, value: bool | float | None) -> dict[str, Any]:
    fact = FACTS[name]
    known = "" if value is None else phrase_fact(name, value)
    source = "said" if name in STATED else "assumed" if name in ASSUMED else "follows"
    return {
        "name": name,
        "label": fact.label,
        "kind": str(fact.kind),
        "value": format_day(value) if fact.kind is Kind.DATE and value else value,
        "words": known,
        "unit": fact.unit,
        "source": "open" if value is None else source,
    }


class ChatParts(Visit):
    """A visit that sees results and facts in a page of the site that holds nothing else."""

    def show(self, state: dict[str, Any], language: str = "en") -> None:
        """Put the parts into the page, with what they show."""
        self.page.evaluate(PREPARED, language)
        self.update(state)

    def update(self, state: dict[str, Any]) -> None:
        """Give the parts something else to show."""
        self.page.evaluate("(state) => parts.update(state)", state)

    @property
    def said(self) -> list[Any]:
        """What the parts asked for so far."""
        asked: list[Any] = self.page.evaluate("parts.said")
        return asked

    @property
    def cards(self) -> Locator:
        """The norms that are shown or folded away."""
        return self.page.locator(".results .card")

    @property
    def shown_count(self) -> Locator:
        """What is said of how many norms are shown."""
        return self.page.locator(".results").get_by_role("status")

    def group(self, status: str) -> Locator:
        """The group of a status."""
        return self.page.locator(f".results .group.{status}")

    def fact(self, name: str) -> Locator:
        """The row of a fact."""
        return self.page.locator(".facts .fact").filter(has_text=FACTS[name].label)

    def unfold(self) -> None:
        """Open everything that is folded."""
        every = "parts.root.querySelectorAll('details')"
        self.page.evaluate(f"{every}.forEach((one) => {{ one.open = true; }})")
