"""The words by which a question points back, and those that may stand beside them."""

import re

_ACTS = ("directive", "regulation")
NOUNS: dict[str, tuple[str, ...]] = {
    "one": (), "norm": (), "rule": (), "item": (), "entry": (),
    "directive": ("directive",), "regulation": ("regulation",), "standard": ("standard",),
    "act": _ACTS, "law": _ACTS,
}  # fmt: skip
PLURALS = {f"{noun}s": kinds for noun, kinds in NOUNS.items()} | {"entries": ()}
ORDINALS = {
    "first": 0, "second": 1, "third": 2, "fourth": 3, "fifth": 4, "sixth": 5, "seventh": 6,
    "eighth": 7, "ninth": 8, "tenth": 9, "last": -1, "former": 0, "latter": -1, "top": 0,
    "erste": 0, "ersten": 0, "erster": 0, "erstes": 0, "zweite": 1, "zweiten": 1, "zweiter": 1,
    "zweites": 1, "dritte": 2, "dritten": 2, "dritter": 2, "drittes": 2, "vierte": 3,
    "fünfte": 4, "letzte": -1, "letzten": -1, "letzter": -1, "letztes": -1,
}  # fmt: skip
NUMBERS = {
    "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10,
}  # fmt: skip
NTH = re.compile(r"([1-9]\d?)(?:st|nd|rd|th)")
DIGITS = re.compile(r"[1-9]\d?")
COUNTED = frozenset(("number", "nr", "nummer", *NOUNS)) - {"one"}
ARTICLES = frozenset(
    ("the", "that", "this", "your", "and", "or", "der", "die", "das", "den", "dem", "zum", "zur")
)
# What may stand behind "the second" or "these" when a norm is meant and nothing else.
BEHIND = frozenset(
    (
        *("of", "in", "on", "from", "again", "please", "too", "also", "then", "now", "and", "or"),
        *("apply", "applies", "mean", "means", "is", "are", "was", "do", "does", "demand"),
        *("demands", "require", "requires", "concern", "concerns", "cover", "covers", "affect"),
        *("affects", "you", "still", "really", "have", "has", "need", "needs", "can", "must"),
        *("come", "comes", "matter", "matters", "call", "calls", "if", "for", "to", "more", "not"),
        *("dont", "doesnt", "mentioned", "named", "listed", "start", "starts", "begin", "begins"),
        *("would", "will", "should", "about", "so", "as", "by", "when", "why", "ask", "asks"),
        *("say", "says", "gilt", "gelten", "bedeutet", "ist", "sind", "there", "above", "at"),
    )
)
# "Does it apply?" asks about a norm, "does it need a fuse?" about the product.
OF_A_NORM = frozenset(
    (
        *("apply", "applies", "mean", "means", "demand", "demands", "require", "requires", "say"),
        *("says", "cover", "covers", "concern", "concerns", "ask", "asks", "begin", "begins"),
        *("start", "starts", "enter", "enters", "take", "takes", "matter", "matters", "bind"),
        *("binds", "entail", "entails", "regulate", "regulates", "affect", "affects", "come"),
        *("comes", "expire", "expires", "end", "ends", "exclude", "excludes", "exempt"),
    )
)
QUALITY_OF_A_NORM = frozenset(
    (
        *("mandatory", "obligatory", "important", "urgent", "relevant", "applicable", "binding"),
        *("voluntary", "due", "required", "critical", "in", "about", "compulsory", "necessary"),
    )
)
BEFORE_A_NORM = frozenset(
    ("about", "explain", "avoid", "escape", "describe", "define", "of", "with", "under", "from")
)
FILLING = frozenset(("still", "really", "actually", "even", "also", "only", "already", "ever"))
IS = frozenset(("is", "are", "isnt", "arent"))
ELLIPSES = frozenset(
    (
        *("why", "why not", "why so", "how come", "how so", "when", "since when", "by when"),
        *("from when", "until when", "tell me more", "more", "more details", "really"),
        *("more information", "details", "explain", "elaborate", "go on", "say more"),
        *("why is that", "why this", "why that", "what does that mean", "what does this mean"),
        *("what is that", "what are these", "what are those"),
        *("warum", "wieso", "warum nicht", "wann", "seit wann", "bis wann", "ab wann"),
        *("mehr", "mehr dazu", "mehr details"),
    )
)
POLITE = frozenset(("please", "bitte", "can", "could", "you"))
OPENINGS = frozenset(("and", "but", "so", "ok", "okay", "und", "aber", "or"))


def known_words() -> frozenset[str]:
    """Every word that pointers are made of; none of them leads off the subject."""
    return frozenset((*ORDINALS, *NUMBERS, *NOUNS, *PLURALS, *QUALITY_OF_A_NORM)) | {
        *("it", "that", "this", "these", "those", "them", "they", "next", "previous", "rest"),
        *("others", "remaining", "both", "each", "either", "davon", "more", "please", "mehr"),
        *("listed", "named", "mentioned", "above", "among", "between", "compare", "comparison"),
        *("difference", "elaborate", "deal", "deals"),
        *(f"{number}{ending}" for number in range(1, 100) for ending in ("st", "nd", "rd", "th")),
    }
