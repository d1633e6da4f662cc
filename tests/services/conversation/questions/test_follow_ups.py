"""Questions that go on from earlier ones, in a maker's own words, about real products."""

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.conversation.questions import Answer, answer_question
from services.conversation.questions.window import Entry, build_enriched_query, select_recent_pairs
from services.norms.catalogue import get_catalogue
from tests.services.conversation.products import INTERVIEWS, get_finished
from tests.services.conversation.questions.test_assistant import QUESTIONS


class Talk:
    """A talk about one product; every question comes with the window of those before."""

    def __init__(self, product: str) -> None:
        self.state = get_finished(product)
        self.history: list[Entry] = []

    def ask(self, *questions: str) -> Answer:
        """Ask one after the other; the last answer."""
        for question in questions:
            answer = answer_question(
                build_enriched_query(question, select_recent_pairs(self.history)), self.state
            )
            self.history += [
                {"role": "user", "content": question},
                {"role": "assistant", "content": answer.answer},
            ]
        return answer


TOP = ("2014/53/EU", "(EU) 2022/30", "2011/65/EU", "(EU) 2024/2847", "(EU) 2023/988")
"""What a smart bulb's maker hears to be most important, in that order."""


@pytest.fixture
def bulb() -> Talk:
    """A talk in which the most important norms were asked for."""
    talk = Talk("bulb")
    assert talk.ask("which are most important?").relevant_norms == TOP
    return talk


class TestPlaces:
    """Words like "the second" count in the last list."""

    @pytest.mark.parametrize(
        ("question", "norms"),
        [
            ("and the second one?", TOP[1:2]),
            ("the second", TOP[1:2]),
            ("tell me about the 2nd", TOP[1:2]),
            ("what does number 3 demand?", TOP[2:3]),
            ("and the last?", TOP[4:]),
            ("and the last one", TOP[4:]),
            ("why does the third one apply?", TOP[2:3]),
            ("explain the first two", TOP[:2]),
            ("what about the last 2?", TOP[3:]),
            ("compare the first and the fourth", (TOP[0], TOP[3])),
            ("the second directive", TOP[2:3]),
            ("warum gilt das zweite?", TOP[1:2]),
            ("und die letzte?", TOP[4:]),
            ("when does the fourth one start to apply?", TOP[3:4]),
        ],
    )
    def test_in_the_order_of_mention(
        self, bulb: Talk, question: str, norms: tuple[str, ...]
    ) -> None:
        """Forwards, backwards, several at once, or of one kind."""
        assert bulb.ask(question).relevant_norms == norms

    def test_walking_through_a_list(self, bulb: Talk) -> None:
        """What was said of one norm does not take the list's place."""
        assert bulb.ask("the second one").relevant_norms == TOP[1:2]
        assert bulb.ask("and the third?").relevant_norms == TOP[2:3]
        assert bulb.ask("the next one?").relevant_norms == TOP[3:4]
        assert bulb.ask("and the one before?").relevant_norms == TOP[2:3]
        assert set(bulb.ask("and the others?").relevant_norms) == {TOP[0], TOP[4]}

    def test_two_that_were_compared_do_not_hide_the_list(self, bulb: Talk) -> None:
        """The last two of two means the last two of the list before."""
        bulb.ask("compare the first and the second")
        assert bulb.ask("and the last two?").relevant_norms == TOP[3:]
        assert bulb.ask("and number 3?").relevant_norms == TOP[2:3]

    def test_before_any_list_it_is_the_result(self) -> None:
        """Which the maker sees beside the questions."""
        applying = Talk("bulb").ask("list all norms").relevant_norms
        assert Talk("bulb").ask("and the second one?").relevant_norms == applying[1:2]
        assert Talk("bulb").ask("the last one").relevant_norms == applying[-1:]

    def test_beyond_the_end(self, bulb: Talk) -> None:
        """The answer says how long the list is, and what to say instead."""
        answer = bulb.ask("and the ninth?")
        assert answer.answer.startswith("That list has only 5 norms. Please name one")
        assert answer.confidence == 0

    def test_after_the_last_there_is_no_next(self, bulb: Talk) -> None:
        """And before the first no previous one."""
        assert "was the last of that list" in bulb.ask("the last", "the next one?").answer
        assert "was the first of that list" in bulb.ask("the first", "the previous one?").answer

    def test_a_list_of_steps_cannot_be_counted_in(self, bulb: Talk) -> None:
        """The second step is no norm, and none is made of it."""
        answer = bulb.ask("what comes next?", "and the second one?")
        assert answer.answer.startswith("My last list was not one of norms.")
        assert (answer.relevant_norms, answer.confidence) == ((), 0)

    def test_what_is_no_norm_is_not_counted(self, bulb: Talk) -> None:
        """The first thing to do is asked for, where to start."""
        assert "To start:" in bulb.ask("what is the first thing, where do I start?").answer


class TestOne:
    """Words like "it" and "that one" are the norm that was spoken of last."""

    @pytest.mark.parametrize(
        "question",
        [
            "why does it apply?",
            "tell me more about that one",
            "tell me more about it",
            "why?",
            "and since when?",
            "what does it require?",
            "what does that regulation demand?",
            "is it mandatory?",
            "is that urgent?",
            "can I avoid it?",
            "how sure are you about this one?",
            "when does it take effect?",
            "more details please",
            "warum?",
            "does it still apply?",
            "is it a regulation?",
        ],
    )
    def test_the_last_one(self, bulb: Talk, question: str) -> None:
        """In whatever words, also a question later."""
        bulb.ask("why does RED apply?", "and the last one?")
        assert bulb.ask(question).relevant_norms == ("(EU) 2023/988",)
        assert bulb.ask(question).relevant_norms == ("(EU) 2023/988",)

    def test_the_one_that_came_first(self, bulb: Talk) -> None:
        """An answer that names one norm before the others is about that one."""
        urgent = bulb.ask("which of these is the most urgent?")
        assert urgent.answer.startswith("2014/53/EU Radio Equipment Directive (RED) is the most")
        why = bulb.ask("why does it apply?")
        assert why.answer == (
            "2014/53/EU Radio Equipment Directive (RED): applies because it has radio."
        )

    def test_of_a_kind(self, bulb: Talk) -> None:
        """The only directive of the two that were named."""
        bulb.ask("why RED and GPSR?")
        assert bulb.ask("what does that directive demand?").relevant_norms == ("2014/53/EU",)

    def test_one_of_many_is_asked_back(self, bulb: Talk) -> None:
        """Nothing is guessed, and the answer to the question back is understood."""
        answer = bulb.ask("why does it apply?")
        assert answer.answer.startswith("I am not sure which of these 5 norms you mean.")
        assert (answer.relevant_norms, answer.confidence) == (TOP, 0)
        assert bulb.ask("the second").relevant_norms == TOP[1:2]

    @pytest.mark.parametrize("question", ["tell me more about that one", "why that directive?"])
    def test_nothing_was_named(self, question: str) -> None:
        """The answer says so, and what to ask; its own words are nothing to point at."""
        talk = Talk("bulb")
        for _ in range(2):
            answer = talk.ask(question)
            assert answer.answer.startswith("I cannot tell which ")
            assert answer.answer.endswith("or ask which norms apply.")
            assert (answer.relevant_norms, answer.confidence) == ((), 0)

    def test_it_can_be_the_product(self, bulb: Talk) -> None:
        """Which has no batteries, is no toy, and needs the CE marking."""
        bulb.ask("why does RED apply?")
        assert "2009/48/EC" in bulb.ask("is it a toy?").relevant_norms
        assert bulb.ask("does it need CE marking?").answer.startswith("It needs the CE marking.")
        assert "Nothing changes" in bulb.ask("what if it has no battery?").answer

    def test_the_other_one(self, bulb: Talk) -> None:
        """Of two; of more it is asked back."""
        bulb.ask("why RED and GPSR?", "when does the first apply?")
        assert bulb.ask("and the other one?").relevant_norms == ("(EU) 2023/988",)
        bulb.ask("which are most important?")
        assert bulb.ask("the other one?").answer.startswith("I am not sure which other norm")

    def test_outside_of_the_window_nothing_is_remembered(self, bulb: Talk) -> None:
        """Ten questions later the list is gone; the result is not."""
        bulb.ask("why does RoHS apply?", *["what does CE mean?"] * 10)
        assert bulb.ask("tell me more about that one").confidence == 0

    def test_a_change_of_the_product(self, bulb: Talk) -> None:
        """What would become of that norm."""
        answer = bulb.ask("why does RED apply?", "does it still apply if I drop Wi-Fi?")
        assert "Radio Equipment Directive (RED) would not apply." in answer.answer


class TestSome:
    """Words like "these" are the norms of the last answer that named several."""

    def test_the_most_urgent(self, bulb: Talk) -> None:
        """All are ranked, with the day from which each binds."""
        answer = bulb.ask("which of these is the most urgent?")
        assert answer.relevant_norms == TOP
        assert "It must be met when your product goes on the market on 2027-01-01." in answer.answer
        assert "The order, the most urgent first:" in answer.answer
        assert "later comes 2027-12-11: applies in full" in answer.answer

    def test_what_binds_later_is_less_urgent_but_not_less_important(self) -> None:
        """The Machinery Regulation comes after the day on which this robot is sold."""
        talk = Talk("robot")
        talk.ask("why the machinery directive and the machinery regulation?")
        answer = talk.ask("which of these two is more urgent?")
        assert answer.relevant_norms == ("2006/42/EC",)
        assert answer.answer.endswith("Does not apply to your product: (EU) 2023/1230.")

    def test_none_of_them_applies(self) -> None:
        """Then none is urgent, and the reasons are given."""
        talk = Talk("mug")
        answer = talk.ask("why not RED and the LVD?", "which of these is the most important?")
        assert answer.answer.startswith("None of them applies to your product as far as I know.\n")
        assert "2014/35/EU" in answer.answer

    def test_one_alone_has_a_place(self, bulb: Talk) -> None:
        """Among all that apply."""
        answer = bulb.ask("why RoHS?", "is it important?")
        assert "is number 3 of the 24 norms that apply, by importance." in answer.answer

    def test_before_any_answer_they_are_the_result(self) -> None:
        """As the maker sees it."""
        answer = Talk("bulb").ask("which of these is the most urgent?")
        assert "is the most urgent of these 24 norms" in answer.answer

    def test_two_that_were_told_of_one_by_one(self) -> None:
        """The two need not stand in one answer."""
        talk = Talk("mug")
        talk.ask("which are most important?", "what is REACH?", "and what about the GPSR?")
        answer = talk.ask("which of these two comes first?")
        assert set(answer.relevant_norms) == {"(EU) 2023/988", "(EC) 1907/2006"}

    @pytest.mark.parametrize(
        ("question", "opening"),
        [
            ("which of these are standards?", "None of these 5 norms is a standard."),
            ("which of them are regulations?", "3 of these 5 norms are regulations:"),
            ("how many of these are directives?", "2 of these 5 norms are directives:"),
            ("which of those are not directives?", "3 of these 5 norms are something else than"),
            ("which of these call for CE marking?", "2 of these 5 norms call for the CE marking:"),
            ("which of these need a notified body?", "1 of these 5 norms may call for a notified"),
            ("which of these do not apply?", "None of these 5 norms is ruled out."),
            ("are any of them still open?", "None of these 5 norms is still to be checked."),
            ("do all of these apply?", ""),
            ("which of these apply?", "All of these 5 norms apply:"),
            ("list these again", "These are 5 norms:"),
            ("how many are these?", "These are 5 norms:"),
            ("which of these is about radio?", "2014/53/EU Radio Equipment Directive (RED):"),
            ("which of these concerns lead?", "2011/65/EU Restriction of Hazardous Substances"),
            ("which of these is about noise?", "None of these 5 norms is about that, as far as"),
            ("which of these concern the battery?", "None of these 5 norms is about that, as far"),
        ],
    )
    def test_some_of_them(self, bulb: Talk, question: str, opening: str) -> None:
        """Sorted by kind, verdict, procedure or subject."""
        answer = bulb.ask(question)
        assert answer.answer.startswith(opening)
        assert answer.confidence > 0

    def test_a_narrower_list_does_not_hide_the_wider(self) -> None:
        """The five standards are meant until something is asked that only the others have."""
        talk = Talk("robot")
        assert len(talk.ask("which norms apply?").relevant_norms) == 13
        assert talk.ask("which of these are standards?").answer.startswith("5 of these 13 norms")
        assert talk.ask("how many of these are directives?").answer.startswith("4 of these 13")

    def test_what_is_left_of_the_result(self, bulb: Talk) -> None:
        """After the five most important the others are the nineteen that also apply."""
        answer = bulb.ask("and the others?")
        assert answer.answer.startswith("These are 19 norms:")
        assert set(TOP).isdisjoint(answer.relevant_norms)

    def test_when_they_apply(self, bulb: Talk) -> None:
        """Their dates alone."""
        answer = bulb.ask("why RED and GPSR?", "when do they apply?")
        assert set(answer.relevant_norms) == {"(EU) 2023/988"}
        assert "2024-12-13" in answer.answer

    def test_the_best_pizza_of_these(self, bulb: Talk) -> None:
        """A back reference makes no sense of what has none."""
        answer = bulb.ask("which of these is the best pizza topping?")
        assert answer.answer.startswith("I cannot answer that: ")


class TestWhatIsAskedGoesOn:
    """A question like "and RoHS?" asks for the same as the one before."""

    @pytest.mark.parametrize("follow_up", ["and RoHS?", "what about RoHS?", "and what about RoHS"])
    def test_of_a_norm_that_is_named(self, follow_up: str) -> None:
        """Reasons after reasons, dates after dates."""
        why = Talk("bulb").ask("why does RED apply?", follow_up).answer
        assert why.startswith(
            "2011/65/EU Restriction of Hazardous Substances Directive (RoHS): app"
        )
        when = Talk("bulb").ask("when does the GPSR apply?", follow_up).answer
        assert when.startswith("Your product goes on the market on 2027-01-01")

    def test_of_a_norm_that_is_pointed_at(self, bulb: Talk) -> None:
        """The reason of the second, then of the third."""
        second = bulb.ask("why does the first one apply?", "and the second one?")
        assert second.answer.startswith("(EU) 2022/30 Cybersecurity of radio equipment (RED del")
        assert "applies because it has radio" in second.answer
        assert "applies because it is electrical" in bulb.ask("and the third?").answer

    def test_not_past_another_matter(self) -> None:
        """What was asked before the maker spoke of something else is over."""
        answer = Talk("bulb").ask("when does the GPSR apply?", "rechargeable lithium", "and RoHS?")
        assert answer.answer.startswith("2011/65/EU Restriction of Hazardous Substances")

    def test_with_its_own_words_it_asks_for_those(self) -> None:
        """A question that says what it wants gets that."""
        answer = Talk("bulb").ask("why does RED apply?", "and when does the GPSR apply?")
        assert answer.answer.startswith("Your product goes on the market on")


STANDALONE = (
    *(question for question in QUESTIONS if question != "why?"),
    "Does it need CE marking?",
    "what if it has no battery?",
    "is it a toy?",
    "when must I replace the battery",
    "which rules apply to the packaging?",
    "what does RoHS require?",
    "is that all?",
    "do I need a notified body?",
    "where do I start?",
    "what should I do first",
    "how do I test it?",
    "is it safe?",
    "hello",
    "what does it cost?",
)


@pytest.mark.parametrize("product", ["bulb", "mug", "earbuds"])
def test_a_question_that_stands_by_itself_is_answered_as_without_history(product: str) -> None:
    """What was said before changes nothing where nothing points back."""
    for question in STANDALONE:
        talk = Talk(product)
        talk.ask("list all norms")
        assert talk.ask(question) == answer_question(question, talk.state), question


_PIECES = st.sampled_from(
    ["the second", "which of these", "is it", "that one", "urgent", "why", "and", "the last two",
     "what about", "RED", "RoHS", "of them", "the others", "they apply", "number 7", "when",
     "standards", "not", "the next one", "noise", "?", "both", "what comes next", "12 V"]
)  # fmt: skip


@settings(max_examples=150)
@given(st.lists(st.lists(_PIECES, max_size=6), max_size=5), st.sampled_from(sorted(INTERVIEWS)))
def test_any_talk_gets_answers(turns: list[list[str]], product: str) -> None:
    """Nothing raises, the state stays as it was, and every answer reads well."""
    talk = Talk(product)
    before = json.dumps(talk.state)
    for pieces in turns:
        answer = talk.ask(" ".join(pieces) or "?")
        assert all(get_catalogue().get(norm_id) for norm_id in answer.relevant_norms)
        assert len(set(answer.relevant_norms)) == len(answer.relevant_norms)
        assert answer.answer == answer.answer.strip()
        assert not re.search(r"  |\n\n| \.|,,|None(?! of)|\(\)", answer.answer), answer.answer
    assert json.dumps(talk.state) == before
