"""Finds the words of a question that point back: "that one", "the second", "which of these"."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from services.conversation.language.phrases import Word
from services.conversation.language.word_lists import get_kinds, get_numbers, get_words

_NTH = re.compile(r"([1-9]\d?)(?:st|nd|rd|th)")
_DIGITS = re.compile(r"[1-9]\d?")


class Target(Enum):
    """Which of the norms named before a question refers to."""

    ONE = auto()  # "that one", "it"
    SOME = auto()  # "these", "them"
    PLACES = auto()  # "the second", "the last two"
    NEXT = auto()
    PREVIOUS = auto()
    OTHER = auto()  # "the other one"
    OTHERS = auto()  # "the rest"
    LAST_TOPIC = auto()  # nothing but "why?", "tell me more"


@dataclass(frozen=True, slots=True)
class BackReference:
    """The words of a question that refer to norms named before.

    Attributes:
        target: which norms they refer to.
        sure: whether they can mean nothing else. If not, and no such norms were named, the
            question is read on its own.
        places: for PLACES, positions in the list, from 0; negative ones count from its end.
        kinds: kinds of norm it is limited to ("that directive"); none for every kind.
        number: for SOME, how many norms are meant ("these two"); 0 where it is not said.
    """

    target: Target
    sure: bool = True
    places: tuple[int, ...] = ()
    kinds: tuple[str, ...] = ()
    number: int = 0


_WHOLE = {
    "what else": BackReference(Target.OTHERS, sure=False),
    "which else": BackReference(Target.OTHERS, sure=False),
    "which one": BackReference(Target.SOME, sure=False),
    "which ones": BackReference(Target.SOME, sure=False),
    "then": BackReference(Target.NEXT, sure=False),
}


def find_back_reference(question: Sequence[Word]) -> BackReference | None:
    """Find the back reference in a question, the surest if there are several; None without any."""
    spelled = [word.text for word in question]
    opened = spelled[1:] if _is_listed(_get_word(spelled, 0), "openings") else spelled
    whole = " ".join(word for word in opened if not _is_listed(word, "polite"))
    if _is_listed(whole, "ellipses"):
        return BackReference(Target.LAST_TOPIC, sure=False)
    if whole in _WHOLE:
        return _WHOLE[whole]
    found = [each for at in range(len(spelled)) if (each := _read_at(spelled, at))]
    places = tuple(place for each in found for place in each.places)
    if places:
        kinds = next(each.kinds for each in found if each.places)
        return BackReference(Target.PLACES, places=places, kinds=kinds)
    return next((each for each in found if each.sure), next(iter(found), None))


def _read_at(spelled: Sequence[str], at: int) -> BackReference | None:
    return (
        _read_places(spelled, at)
        or _read_next(spelled, at)
        or _read_other(spelled, at)
        or _read_these(spelled, at)
        or _read_this(spelled, at)
        or _read_pronoun(spelled, at)
    )


def _get_word(spelled: Sequence[str], at: int) -> str:
    """Return the word at a position; "" outside of the question."""
    return spelled[at] if 0 <= at < len(spelled) else ""


def _get_neighbours(spelled: Sequence[str], at: int) -> tuple[str, str, str]:
    """Return the word at a position, the one before it and the one behind it."""
    return _get_word(spelled, at), _get_word(spelled, at - 1), _get_word(spelled, at + 1)


def _is_listed(word: str, name: str) -> bool:
    return word in get_words(f"back_references.{name}")


def _get_nouns() -> dict[str, tuple[str, ...]]:
    return get_kinds("back_references.nouns")


def _get_plurals() -> dict[str, tuple[str, ...]]:
    return get_kinds("back_references.plurals")


def _is_end(spelled: Sequence[str], at: int) -> bool:
    """Tell whether what follows can only follow a back reference."""
    word = _get_word(spelled, at)
    return not word or _is_listed(word, "behind")


def _read_places(spelled: Sequence[str], at: int) -> BackReference | None:
    """Read "the second", "2nd one" or "number 3"; more than one may occur."""
    word, before, behind = (
        _get_word(spelled, at),
        _get_word(spelled, at - 1),
        _get_word(spelled, at + 1),
    )
    nth = _NTH.fullmatch(word)
    place = int(nth[1]) - 1 if nth else get_numbers("back_references.ordinals").get(word)
    counting = _is_listed(word, "counting") or (word in _get_nouns() and word != "one")
    if counting and (number := _read_number(behind)) and _is_end(spelled, at + 2):
        return BackReference(Target.PLACES, places=(number - 1,))
    if place is None or (word, behind, _get_word(spelled, at + 2)) == ("first", "of", "all"):
        return None
    if behind != "one" and _read_number(behind):
        return _read_several_places(spelled, at, place)
    if behind in _get_nouns():
        return BackReference(Target.PLACES, places=(place,), kinds=_get_nouns()[behind])
    alone = not before and not behind
    if word != "top" and (alone or (_is_listed(before, "articles") and _is_end(spelled, at + 1))):
        return BackReference(Target.PLACES, places=(place,))
    return None


def _read_several_places(spelled: Sequence[str], at: int, place: int) -> BackReference | None:
    """Read "the first two" or "the last 3 standards"."""
    number, noun = _read_number(_get_word(spelled, at + 1)), _get_word(spelled, at + 2)
    if place not in (0, -1) or not (noun in _get_plurals() or _is_end(spelled, at + 2)):
        return None
    places = range(number) if place == 0 else range(-number, 0)
    return BackReference(Target.PLACES, places=tuple(places), kinds=_get_plurals().get(noun, ()))


def _read_number(word: str) -> int:
    return (
        int(word)
        if _DIGITS.fullmatch(word)
        else get_numbers("back_references.numbers").get(word, 0)
    )


def _read_next(spelled: Sequence[str], at: int) -> BackReference | None:
    """Read "the next one" or "the one before"; "next" alone asks for the next steps."""
    word, _, behind = _get_neighbours(spelled, at)
    if (word in ("next", "following") and behind in _get_nouns()) or (word, behind) == (
        "one",
        "after",
    ):
        return BackReference(Target.NEXT)
    before_it = word in ("previous", "preceding") and (behind in _get_nouns() or not behind)
    if before_it or (word, behind) == ("one", "before"):
        return BackReference(Target.PREVIOUS)
    return None


def _read_other(spelled: Sequence[str], at: int) -> BackReference | None:
    """Read "the other one", "the other standards" or "the rest"."""
    word, before, behind = (
        _get_word(spelled, at),
        _get_word(spelled, at - 1),
        _get_word(spelled, at + 1),
    )
    if word in ("other", "remaining") and behind in _get_plurals():
        return BackReference(Target.OTHERS, kinds=_get_plurals()[behind])
    if word == "other" and before == "the" and (behind in _get_nouns() or _is_end(spelled, at + 1)):
        return BackReference(Target.OTHER)
    if word in ("others", "rest") and before in ("the", "all") and _is_end(spelled, at + 1):
        return BackReference(Target.OTHERS)
    return None


def _read_these(spelled: Sequence[str], at: int) -> BackReference | None:
    """Read "these", "those standards", "these two", "davon" or "the ones you listed"."""
    word, _, behind = _get_neighbours(spelled, at)
    if word == "davon" or (word == "you" and behind in ("listed", "named", "mentioned")):
        return BackReference(Target.SOME)
    if word not in ("these", "those"):
        return None
    number = _read_number(behind)
    end = at + 2 if number else at + 1
    noun = _get_word(spelled, end)
    if noun in _get_plurals() or _is_end(spelled, end):
        return BackReference(Target.SOME, kinds=_get_plurals().get(noun, ()), number=number)
    return None


def _read_this(spelled: Sequence[str], at: int) -> BackReference | None:
    """Read "that one", "this directive", "the regulation" or a plain "that"."""
    word, before, behind = (
        _get_word(spelled, at),
        _get_word(spelled, at - 1),
        _get_word(spelled, at + 1),
    )
    if word in ("that", "this") and behind in _get_nouns():
        return BackReference(Target.ONE, kinds=_get_nouns()[behind])
    rated = _is_listed(before, "is") and _is_listed(behind, "quality_of_a_norm")
    if word in ("that", "this") and (not behind or _is_listed(behind, "of_a_norm") or rated):
        return BackReference(Target.ONE, sure=False)
    if word == "the" and behind in _get_nouns() and behind != "one" and _is_end(spelled, at + 2):
        return BackReference(Target.ONE, sure=False, kinds=_get_nouns()[behind])
    return None


def _read_pronoun(spelled: Sequence[str], at: int) -> BackReference | None:
    """Read "it", "they" and "them" where a norm is meant, and "which one" and "both"."""
    word, before, behind = (
        _get_word(spelled, at),
        _get_word(spelled, at - 1),
        _get_word(spelled, at + 1),
    )
    if word == "them":
        return BackReference(Target.SOME, sure=before in ("of", "among", "between"))
    if word == "both" or (word == "which" and behind in ("one", "ones")):
        return BackReference(Target.SOME, sure=False, number=2 if word == "both" else 0)
    if word not in ("it", "they"):
        return None
    target = Target.ONE if word == "it" else Target.SOME
    following = at + 2 if _is_listed(behind, "filling") else at + 1
    said = _get_word(spelled, following)
    asked, stated = _is_listed(before, "is"), _is_listed(said, "is")  # "is it ...?", "it is ..."
    quality = _get_word(spelled, following + 1) if stated else said
    dates = word == "they" and said == "have"
    rated = (asked or stated) and _is_listed(quality, "quality_of_a_norm")
    meant = dates or rated or _is_listed(said, "of_a_norm")
    last = not behind and (asked or _is_listed(before, "before_a_norm"))
    a_norm = asked and behind == "a" and _get_word(spelled, at + 2) in _get_nouns()
    return BackReference(target, sure=False) if meant or last or a_norm else None


@cache
def get_known_words() -> frozenset[str]:
    """Return every word that back references consist of; none of them is off the subject."""
    nth = (f"{number}{ending}" for number in range(1, 100) for ending in ("st", "nd", "rd", "th"))
    listed = get_words("back_references.neutral") | get_words("back_references.quality_of_a_norm")
    counted = (*get_numbers("back_references.ordinals"), *get_numbers("back_references.numbers"))
    return listed.union(counted, _get_nouns(), _get_plurals(), nth)
