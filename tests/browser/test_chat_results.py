"""Results and facts as a visitor sees them: groups, filter, corrections, whoever looks and how."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.chat_parts import ChatParts, found
from tests.support.servers import Gunicorn

HEADINGS = """() => [...parts.root.querySelectorAll(".group h3")].map((one) => one.textContent)"""
MARKUP = "<img src=x onerror=alert(1)> & [x](y)"


@pytest.fixture
def visit(chromium: Browser, sqlite_site: Gunicorn) -> Iterator[ChatParts]:
    """A visitor who has an analysis before them."""
    with ChatParts(chromium, sqlite_site) as visit:
        visit.show(found())
        yield visit


def counts(state: dict[str, Any]) -> dict[str, int]:
    """How many norms of an analysis have which status."""
    norms = state["analysis"]["all_norm_results"]
    return {
        status: sum(norm["status"] == status for norm in norms)
        for status in ("applies", "to_be_checked", "watch", "does_not_apply")
    }


def norm(**more: Any) -> dict[str, Any]:
    """A norm as the server tells it."""
    return {
        "norm_id": "(EU) 1/2",
        "norm_name": "Some Act",
        "applies": True,
        "status": "applies",
        "confidence": 85,
        "reasoning": "Applies to all. Not certain: Or not.",
        "url": "https://a.example/",
        "kind": "regulation",
        "summary": "Do it.",
        "note": "",
        "doubts": ["Or not."],
        "open_facts": [],
        "deadlines": [{"date": "2027-02-01", "what": "applies"}],
        **more,
    }


def only(*norms: dict[str, Any]) -> dict[str, Any]:
    """An analysis with these norms alone."""
    state = found()
    matched = [one for one in norms if one["applies"]]
    state["analysis"] |= {"matched_norms": matched, "all_norm_results": list(norms)}
    return state


def test_the_groups(visit: ChatParts) -> None:
    """Every norm stands once in its group, best first; those that do not apply are folded away."""
    state = found()
    titles = ("Applies", "To be checked", "Watch", "Does not apply")
    assert visit.page.evaluate(HEADINGS) == [
        f"{title} ({count})" for title, count in zip(titles, counts(state).values(), strict=True)
    ]
    matched = [one["norm_name"] for one in state["analysis"]["matched_norms"]]
    assert visit.group("applies").locator("h4").all_text_contents() == matched
    shown = visit.group("to_be_checked").locator(".confidence").all_text_contents()
    percents = [int(text.split()[0]) for text in shown]
    assert percents == sorted(percents, reverse=True)
    assert len(set(percents)) > 1
    folded = visit.group("does_not_apply").locator(".card")
    expect(folded.first).to_be_hidden()
    visit.group("does_not_apply").locator("> summary").click()
    expect(folded.first).to_be_visible()
    visit.shot("11-results")


def test_a_card(visit: ChatParts) -> None:
    """It tells name, kind, percentage with a word, reason, doubt apart from it, dates and link."""
    visit.update(only(norm(), norm(norm_id="2", confidence=9, applies=False, doubts=[],
                               status="to_be_checked", url="javascript:alert(1)")))  # fmt: skip
    card = visit.cards.first
    expect(card.get_by_role("heading", level=4)).to_have_text("Some Act")
    expect(card.locator(".meta")).to_have_text("Regulation (EU) 1/2 85 %, with reservations")
    expect(card.locator(".reason")).to_have_text("Applies to all.")
    expect(card.locator(".doubts")).to_have_text("Not certain: Or not.")
    expect(card.locator(".deadlines")).to_have_text("1 February 2027: applies")
    expect(card.locator("details")).to_be_hidden()
    link = card.get_by_role("link", name="Read more Some Act")
    expect(link).to_have_attribute("href", "https://a.example/")
    expect(link).to_have_attribute("rel", "noopener noreferrer")
    other = visit.cards.nth(1)
    expect(other.locator(".confidence")).to_have_text("9 %, still open")
    expect(other.locator(".doubts")).to_be_hidden()
    expect(other.get_by_role("link")).to_have_count(0)
    visit.page.get_by_text("What the percentages mean").click()
    expect(visit.page.get_by_text("A decided norm starts at 100")).to_be_visible()


def test_words_are_no_markup(visit: ChatParts) -> None:
    """Whatever a norm or a fact is called appears letter by letter."""
    members = ("norm_id", "norm_name", "summary", "note", "reasoning")
    state = only(norm(**dict.fromkeys(members, MARKUP), doubts=[MARKUP]))
    state["facts"][0] |= {"label": MARKUP, "words": MARKUP}
    visit.update(state)
    visit.unfold()
    for name in ("name", "id", "summary", "note", "reason"):
        expect(visit.cards.locator(f".{name}")).to_have_text(MARKUP)
    expect(visit.page.locator(".fact strong").first).to_have_text(MARKUP)
    expect(visit.page.locator("main img")).to_have_count(0)


def test_the_filter(visit: ChatParts) -> None:
    """Words find norms by name, id, reason and summary; groups are switched off and on."""
    total = len(found()["analysis"]["all_norm_results"])
    field = visit.page.get_by_role("searchbox", name="Find a norm")
    show_all = visit.button("Show all")
    expect(visit.shown_count).to_have_text(f"{total} of {total} norms are shown.")
    expect(show_all).to_be_hidden()
    for words in ("batteries REGULATION", "(eu) 2023/1542", "built in or not", "it has a battery"):
        field.fill(words)
        expect(visit.cards.filter(has_text="(EU) 2023/1542")).to_have_count(1)
        expect(visit.shown_count).to_have_text(
            re.compile(rf"^\d{{1,2}} of {total} norms? (is|are) shown")
        )
        assert visit.cards.count() < total / 2
    field.fill("no norm says this")
    expect(visit.cards).to_have_count(0)
    expect(visit.shown_count).to_contain_text(f"None of the {total} norms fits")
    show_all.click()
    expect(visit.cards).to_have_count(total)
    expect(field).to_be_focused()

    open_norms = counts(found())["to_be_checked"]
    toggle = visit.button(f"To be checked ({open_norms})")
    expect(toggle).to_have_attribute("aria-pressed", "true")
    toggle.press("Enter")
    expect(toggle).to_have_attribute("aria-pressed", "false")
    expect(visit.cards).to_have_count(total - open_norms)
    expect(visit.group("to_be_checked")).to_be_hidden()
    field.fill("radio")
    expect(visit.group("applies").locator("h3")).to_have_text(re.compile(r"^Applies \(\d of 7\)$"))
    visit.shot("12-filtered")


def test_the_filter_outlives_other_results(visit: ChatParts) -> None:
    """What was typed and switched off counts for the next analysis too."""
    visit.page.get_by_role("searchbox").fill("radio")
    visit.button(f"Watch ({counts(found())['watch']})").click()
    before = visit.cards.count()
    visit.update({**found(), "analysis": None})
    expect(visit.page.locator(".results")).to_be_hidden()
    visit.update(found(battery=False))
    expect(visit.page.get_by_role("searchbox")).to_have_value("radio")
    expect(visit.button("Watch (1)")).to_have_attribute("aria-pressed", "false")
    assert 0 < visit.cards.count() < len(found()["analysis"]["all_norm_results"])
    visit.update(found())
    expect(visit.cards).to_have_count(before)


def test_other_results_leave_alone_what_is_read(visit: ChatParts) -> None:
    """A card stays the same element, what was opened stays open, and what had the focus has it."""
    card = visit.cards.filter(has_text="2014/53/EU")
    card.locator("summary").click()
    visit.group("does_not_apply").locator("> summary").click()
    link = card.get_by_role("link")
    link.focus()
    kept = link.element_handle()
    visit.update(found(v_dc=5))
    expect(link).to_be_focused()
    assert visit.page.evaluate("(kept) => kept === parts.root.activeElement", kept)
    expect(card.locator(".note")).to_be_visible()
    expect(visit.group("does_not_apply")).to_have_attribute("open", "")

    visit.update(found(radio=False))  # moves the card into another group, with the focus on it
    expect(visit.group("does_not_apply").filter(has_text="2014/53/EU")).to_have_count(1)
    expect(link).to_be_focused()
    assert visit.page.evaluate("(kept) => kept === parts.root.activeElement", kept)
    expect(card.locator(".reason")).to_contain_text("there is no radio")


def test_a_focused_card_is_not_folded_away(visit: ChatParts) -> None:
    """A group that is folded opens for the card that moves into it while it has the focus."""
    link = visit.cards.filter(has_text="2014/53/EU").get_by_role("link")
    link.focus()
    visit.update(found(radio=False))
    expect(link).to_be_focused()
    expect(link).to_be_visible()


def test_the_same_results_change_nothing(visit: ChatParts) -> None:
    """An update with what is shown already touches no node and says nothing."""
    visit.page.evaluate("""() => {
      window.touched = 0;
      new MutationObserver((changes) => {
        touched += changes.filter(({ type }) => type !== "attributes").length;
      }).observe(parts.root, { subtree: true, childList: true, characterData: true });
    }""")
    visit.update(found())
    assert visit.page.evaluate("touched") == 0
    visit.update(found(v_dc=5))
    assert visit.page.evaluate("touched") > 0


def test_facts_are_folded_and_told(visit: ChatParts) -> None:
    """Their count is seen at once; each has its label, its words and, as a word, its source."""
    facts = visit.page.locator(".facts")
    expect(facts.locator("> summary")).to_have_text("What I understood: 7 of 57 facts known")
    expect(visit.fact("radio")).to_be_hidden()
    facts.locator("> summary").press("Enter")
    expect(visit.fact("radio")).to_contain_text("it has radio")
    expect(visit.fact("radio").locator(".source")).to_have_text("you said so")
    expect(visit.fact("consumer").locator(".source")).to_have_text("assumed")
    expect(visit.fact("mains").locator(".source")).to_have_text("concluded")
    expect(visit.fact("v_dc")).to_be_hidden()
    facts.get_by_text("Not known yet: 50").click()
    expect(visit.fact("v_dc")).to_contain_text("Not known")
    visit.update({**found(), "facts": []})
    expect(facts).to_be_hidden()


def test_a_fact_is_corrected_by_keyboard(visit: ChatParts) -> None:
    """The button opens the editor with the focus in it, and has the focus when that closes."""
    visit.unfold()
    keyboard = visit.page.keyboard
    correct = visit.button("Correct whether it has radio")
    correct.press("Enter")
    expect(correct).to_have_attribute("aria-expanded", "true")
    expect(visit.page.get_by_role("group", name="whether it has radio")).to_be_visible()
    expect(visit.page.get_by_role("radio", name="Yes")).to_be_focused()
    keyboard.press("ArrowDown")
    keyboard.press("Enter")
    expect(correct).to_be_focused()
    expect(visit.page.locator(".editor")).to_have_count(0)
    assert visit.said == [{"radio": False}]

    correct.press("Enter")
    keyboard.press("ArrowUp")  # from yes around to not known
    visit.page.evaluate("() => { onkeydown = ({ key }) => parts.said.push(key); }")
    keyboard.press("Escape")  # concerns nothing around the editor
    expect(correct).to_be_focused()
    visit.page.evaluate("() => { onkeydown = null; }")
    correct.press("Enter")
    visit.button("Cancel").press("Enter")
    expect(correct).to_be_focused()
    assert visit.said == [{"radio": False}]
    correct.press("Enter")
    keyboard.press("ArrowUp")
    keyboard.press("Enter")
    assert visit.said[1:] == [{"radio": None}]


def test_numbers_as_people_write_them(visit: ChatParts) -> None:
    """Thousands and decimals are read as in the language of the page."""
    for language, label, typed, value in (
        ("en", "Correct", "12", 12),
        ("en", "Correct", " 1,200.5 ", 1200.5),
        ("en", "Correct", "0,5", 0.5),
        ("de", "Berichtigen", "1.200,5", 1200.5),
        ("de", "Berichtigen", "0.5", 0.5),
    ):
        visit.show(found(v_dc=5), language)
        visit.unfold()
        visit.button(f"{label} the highest rated DC voltage").click()
        field = visit.page.get_by_role("textbox", name="the highest rated DC voltage (V DC)")
        expect(field).to_be_focused()
        expect(field).to_have_value("5")
        field.fill(typed)
        field.press("Enter")
        assert visit.said == [{"v_dc": value}]


def test_what_is_no_number_is_refused(visit: ChatParts) -> None:
    """A sentence says what to write, the field keeps what was typed, and nothing is corrected."""
    visit.unfold()
    visit.button("Correct the highest rated DC voltage").click()
    field = visit.page.locator(".editor input").first
    for typed in ("", "five", "-5", "5 V", "1e3", "1.2.3", "Infinity", "9" * 16):
        field.fill(typed)
        field.press("Enter")
        expect(visit.page.get_by_role("alert").first).to_contain_text("a number from 0 on")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_be_focused()
        expect(field).to_have_value(typed)
    visit.shot("13-facts", ".facts")
    visit.page.get_by_role("checkbox", name="Not known").press("Space")
    visit.button("Apply").click()
    assert visit.said == [{"v_dc": None}]


def test_a_day_is_corrected(visit: ChatParts) -> None:
    """It is chosen as a day, and one is needed unless it is not known."""
    visit.unfold()
    visit.button("Correct when it is placed on the market").click()
    field = visit.page.get_by_label("when it is placed on the market", exact=True)
    expect(field).to_have_value("2027-01-01")
    field.fill("")
    visit.button("Apply").click()
    expect(visit.page.get_by_role("alert").first).to_contain_text("choose a day")
    field.fill("2028-03-04")
    visit.button("Apply").click()
    assert visit.said == [{"market_date": "2028-03-04"}]


def test_one_editor_at_once(visit: ChatParts) -> None:
    """Opening another one closes the first, of which nothing is kept."""
    visit.unfold()
    visit.button("Correct whether it has radio").click()
    visit.button("Correct whether it has a battery").click()
    expect(visit.page.locator(".editor")).to_have_count(1)
    expect(visit.button("Correct whether it has radio")).to_have_attribute("aria-expanded", "false")
    assert visit.said == []


def test_what_is_being_typed_is_kept(visit: ChatParts) -> None:
    """New facts leave the open editor, its content and the focus alone, even in another list."""
    visit.unfold()
    visit.button("Correct the highest rated DC voltage").click()
    field = visit.page.locator(".editor input").first
    field.press_sequentially("24")
    visit.update(found(v_dc=5, battery=False))
    expect(visit.fact("v_dc").locator("strong")).to_have_text("5 V DC")
    expect(field).to_have_value("24")
    expect(field).to_be_focused()
    field.press("Enter")
    assert visit.said == [{"v_dc": 24}]


def test_nothing_is_applied_while_busy(visit: ChatParts) -> None:
    """The editor says to wait, keeps what was chosen, and applies it afterwards."""
    visit.unfold()
    visit.update({**found(), "busy": True})
    visit.button("Correct whether it has radio").click()
    visit.page.get_by_role("radio", name="No", exact=True).check()
    apply = visit.button("Apply")
    apply.press("Enter")
    alert = visit.page.get_by_role("alert").first
    expect(alert).to_contain_text("Please wait")
    assert visit.said == []
    visit.update(found())
    expect(alert).to_be_hidden()
    expect(apply).to_be_focused()
    apply.press("Enter")
    assert visit.said == [{"radio": False}]


def test_german(visit: ChatParts) -> None:
    """All of our own words are German, and what the server wrote is marked as English."""
    visit.show(found(), "de")
    visit.unfold()
    assert [one.split(" (")[0] for one in visit.page.evaluate(HEADINGS)] == [
        "Gilt", "Zu prüfen", "Beobachten", "Gilt nicht"
    ]  # fmt: skip
    expect(visit.shown_count).to_contain_text("Normen werden angezeigt")
    expect(visit.button("Berichtigen whether it has radio")).to_be_visible()
    expect(visit.page.get_by_text("Davon gehen 10 ab")).to_be_visible()
    card = visit.cards.filter(has_text="(EU) 2023/1542")
    expect(card.locator(".meta")).to_contain_text("Verordnung")
    expect(card.locator("time").first).to_have_text("18. Februar 2024")
    foreign = "(selector) => parts.root.querySelector(selector).lang"
    for name in ("name", "summary", "reason", "note", "deadlines span", "doubts span"):
        assert visit.page.evaluate(foreign, f".card .{name}") == "en"
    assert visit.page.evaluate(foreign, ".card .kind") == ""


@pytest.mark.parametrize(("language", "scheme"), [("en", "light"), ("de", "dark")])
def test_accessibility(visit: ChatParts, language: str, scheme: Any) -> None:
    """Axe finds nothing wrong with everything unfolded, an editor open and an error in it."""
    visit.expect_complaints("Applying inline style")  # axe brings its own
    visit.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    visit.show(found(), language)
    visit.unfold()
    visit.page.locator(".facts button").last.click()
    visit.page.locator(".editor button").first.click()
    visit.page.locator(".toggle").first.click()
    assert visit.violations() == []
    visit.shot(f"14-{language}-{scheme}")


@pytest.mark.parametrize("language", ["en", "de"])
def test_a_narrow_screen(chromium: Browser, sqlite_site: Gunicorn, language: str) -> None:
    """At 320 CSS pixels, which is also 1280 at 400 %, nothing is wider than the window."""
    with ChatParts(chromium, sqlite_site, width=320) as visit:
        state = found()
        state["analysis"]["all_norm_results"].append(
            norm(applies=False, status="watch", norm_name="M" * 100, norm_id="N" * 100)
        )
        visit.show(state, language)
        visit.unfold()
        for fact in ("radio", "v_dc", "market_date"):
            visit.fact(fact).locator("button").first.click()
            assert visit.page.evaluate("document.documentElement.scrollWidth") == 320
        visit.shot(f"15-narrow-{language}")
