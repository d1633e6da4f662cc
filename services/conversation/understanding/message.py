"""Turns a maker's message into facts about the product, with the words behind them."""

from dataclasses import dataclass

from services.conversation.language.terms import ProductKind, Value
from services.conversation.language.word_lists import get_words
from services.conversation.understanding.conflict_resolution import resolve_conflicts
from services.conversation.understanding.evidence import Evidence
from services.conversation.understanding.measures import read_measures
from services.conversation.understanding.mentions import Mention
from services.conversation.understanding.power import (
    ADAPTER,
    USB,
    find_watts,
    has_own_wording,
    read_power,
)
from services.conversation.understanding.replies import TOPIC_FACTS, read_reply
from services.conversation.understanding.scan import scan

_OVERRIDING = ("medical", "child_play", "ppe")
_KEPT_UNDER_OVERRIDE = frozenset(("driven_moving_parts", "standby_list", "charger_list"))


@dataclass(frozen=True, slots=True)
class Understanding:
    """What a message says.

    Attributes:
        unsure: facts the maker says are not known.
        said: the words behind each fact.
        stated: facts said in so many words, or clearly meant by them.
        likely: facts that usually go with the words, as assumptions.
        of_kind: facts that go with the kind of product, as assumptions.
        opens: facts that the words make doubtful unless they were stated.
        closing: facts denied because the answer to a list question leaves them out.
        kind: the kind of product that is named, or None.
        denied: names of the concepts that were denied ("Wi-Fi").
        heard: the parts that were understood, in words, in their order.
        yes_or_no: True or False for a plain yes or no.
        both: whether the answer was "both".
        neither: whether the answer was just "none" or "neither".
        besides: facts that hold for another battery but not for the one named here.
        renames: whether the words put another kind of product in place of an earlier one.
        watts: a power given without a voltage, 0 for none.
        words: the words of the message.
    """

    unsure: frozenset[str]
    said: dict[str, str]
    stated: dict[str, Value]
    likely: dict[str, Value]
    of_kind: dict[str, Value]
    closing: dict[str, Value]
    opens: frozenset[str]
    kind: ProductKind | None
    denied: frozenset[str]
    heard: tuple[str, ...]
    yes_or_no: bool | None
    both: bool
    besides: frozenset[str]
    neither: bool
    renames: bool
    watts: float
    words: tuple[str, ...]

    @property
    def facts(self) -> dict[str, Value]:
        """Return everything the message says or suggests; statements beat assumptions."""
        return self.closing | self.of_kind | self.likely | self.stated


def understand(text: str, topic: str | None = None, *, kind_open: bool = False) -> Understanding:
    """Read a message. Never raises, whatever the text.

    Args:
        text: what was typed; the first 4,000 characters are read.
        topic: id of the interview's question that it answers, so that "yes", "no", "none of
            these", "230" and "I don't know" can be understood.
        kind_open: whether the kind of product is not known yet, so that it may be named in the
            answer to any question.
    """
    found = Evidence(scan(text), topic)
    if found.scan.kind_added and not kind_open:
        _take_as_part(found)
    renames = _is_renaming(found)
    if renames and not found.scan.yes_or_no:
        found.scan.yes_or_no = None  # that "no" is about the name and answers no question
    named = renames or topic in (None, "kind") or (kind_open and topic != "power")
    kind = found.scan.kind if named else None
    of_kind = _read_facts(found, kind)
    return Understanding(
        unsure=frozenset(found.unsure - found.stated.keys()),
        said=found.said,
        stated=found.stated,
        likely=found.likely,
        of_kind=of_kind,
        closing=found.closing,
        opens=frozenset(found.opens - found.stated.keys() - found.closing.keys()),
        kind=kind,
        denied=frozenset(found.denied),
        heard=tuple(dict.fromkeys(words for _, words in sorted(found.heard))),
        yes_or_no=found.scan.yes_or_no,
        both=found.scan.both,
        besides=_find_besides(found),
        neither=found.scan.yes_or_no is False
        and get_words("message.none").issuperset(found.scan.tokens),
        renames=renames,
        watts=find_watts(found) if found.scan.quantities and "input_a" not in found.stated else 0,
        words=tuple(found.scan.tokens),
    )


def _read_facts(found: Evidence, kind: ProductKind | None) -> dict[str, Value]:
    """Collect the facts of a message; return those that go with the kind of product."""
    for each in _keep_final_mentions(found):
        _read_mention(found, each)
    if found.topic == "data" and USB in found.names:
        found.names.remove(USB)  # a cable link is meant, not the power supply
        found.set_fact("data_conn", value=True, words=USB)
        found.add_echo(0, "data by USB")
    if found.scan.quantities:
        read_measures(found)
    if found.names or found.scan.quantities:
        read_power(found, is_adapter=kind is not None and _is_named(found, ADAPTER))
    of_kind = _read_kind(found, kind) if kind else {}
    _read_other_kinds(found)
    resolve_conflicts(found)
    read_reply(found)
    return of_kind


def _take_as_part(found: Evidence) -> None:
    """Read "it also has a lamp" as a part of the product that is already known."""
    scanned = found.scan
    if scanned.kind:
        scanned.parts.append((scanned.kind_at, scanned.kind))
        scanned.kind, scanned.kind_at = None, -1


def _is_named(found: Evidence, concept: str) -> bool:
    """Tell whether the words for the product itself are those of a concept."""
    mention = found.find_first(concept)
    return mention is not None and mention.at == found.scan.kind_at


def _is_renaming(found: Evidence) -> bool:
    """Tell whether the kind is corrected: "no, it is a toy", "I meant a toy"."""
    scanned = found.scan
    if scanned.kind is None:
        return False
    before = scanned.tokens[max(0, scanned.kind_at - 3) : scanned.kind_at]
    named_anew = not get_words("message.articles").isdisjoint(before)
    named_anew = named_anew and get_words("message.determiners").isdisjoint(before)
    announced = scanned.correction or scanned.yes_or_no is False
    announced = announced or scanned.tokens[0] in get_words("message.it")
    return announced and (named_anew or scanned.kind_at == 0)


def _find_besides(found: Evidence) -> frozenset[str]:
    """List what a second battery is not, unless it replaces the first ("no, it is alkaline")."""
    scanned = found.scan
    batteries = [each for each in scanned.mentions if each.concept.group == "battery"]
    if scanned.correction or scanned.yes_or_no is False or found.topic == "battery":
        return frozenset()
    if not all(each.said for each in batteries):
        return frozenset()
    return frozenset(
        name
        for each in batteries
        if get_words("message.is").isdisjoint(scanned.tokens[max(0, each.at - 3) : each.at])
        for name, value in each.concept.yes
        if not value and found.stated.get(name) is False
    )


def _keep_final_mentions(found: Evidence) -> list[Mention]:
    """Keep the last mention of each concept."""
    return list({each.concept.name: each for each in found.scan.mentions}.values())


def _read_mention(found: Evidence, mention: Mention) -> None:
    concept = mention.concept
    if mention.said is None:
        found.unsure.update(concept.list_doubtful())
        found.add_echo(mention.at, f"not sure about {concept.name}")
    elif mention.said:
        found.names.add(concept.name)
        found.opens.update(concept.opens)
        for name, value in concept.yes:
            found.set_fact(name, value, concept.name)
        answers = concept.group == found.topic
        for name, value in concept.asked if answers else ():
            found.set_fact(name, value, concept.name)
        for name, value in concept.soft:
            found.likely.setdefault(name, value)
            found.add_words(name, concept.name)
        settles = concept.yes or concept.soft or (answers and concept.asked)
        if settles and not (concept.quiet or mention.inner or has_own_wording(concept.name)):
            found.add_echo(mention.at, concept.name)
    else:
        found.denied.add(concept.name)
        found.add_echo(mention.at, concept.denial)


def _read_other_kinds(found: Evidence) -> None:
    """Read the kinds that the product is not, and those that it contains.

    A helmet "with a lamp" is electrical; "with your phone" does not mean that.
    """
    for at, other in found.scan.not_kinds:
        if other.main and other.main not in found.stated:
            found.set_fact(other.main, value=False, words=f"no {other.name}")
            found.add_echo(at, f"not a {other.name}")
    for at, part in found.scan.parts:
        if ("electrical", True) in part.facts:
            found.likely.setdefault("electrical", True)
            found.add_words("electrical", part.name)
            found.add_echo(at, f"with {part.name}")


def _read_kind(found: Evidence, kind: ProductKind) -> dict[str, Value]:
    """Return what goes with the kind; a medical, play or protective use overrides its class."""
    label = f" ({kind.label})" if kind.label and kind.label not in kind.name else ""
    found.add_echo(found.scan.kind_at, f"{kind.name}{label}")
    facts = dict(kind.facts)
    if found.scan.toy and kind.main != "child_play":
        found.set_fact("child_play", value=True, words="toy")
    if any(found.stated.get(name) and not facts.get(name) for name in _OVERRIDING):
        for name in facts:
            if name in TOPIC_FACTS["kind"] and name not in _KEPT_UNDER_OVERRIDE:
                facts[name] = 0 if name == "display_cm2" else False
    for name in found.opens:
        if facts.get(name) is False or name == "electrical":
            facts.pop(name, None)
    if "v_dc" in facts:
        found.likely.pop("v_dc", None)  # the usual battery of the kind is the better guess
    return {name: value for name, value in facts.items() if name not in found.stated}
