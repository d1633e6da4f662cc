"""Reads the words of grammar: no, only, except, maybe, and, for, and the ends of clauses."""

from services.conversation.language.lexicon import get_lexicon
from services.conversation.language.word_lists import get_words
from services.conversation.understanding.mentions import Mention, Scan

_REACH = 8  # how many words away a "no" still denies something
_REACH_ON = 4  # how many words apart the denied things of one list are
_ADAPTER = "power adapter"
_STOPS = frozenset((".", ";", "!", "?", "(", ")", "-", ","))
# After "no" these begin a new clause, so the "no" was an answer of its own.
_NEW_CLAUSE = frozenset(("but", "only", "reset", "except", "correction", "no", "yes", "unsure"))


class Grammar:
    """Keeps track of what the words so far mean for the next one.

    The base of the scanner, which passes the words of grammar to `handle`, and asks `is_denied`
    and the flags how to read a word that names something.
    """

    def __init__(self, words: list[str]) -> None:
        self.words = words
        self.found = Scan(words)
        self.index = get_lexicon()
        self.lists = not get_words("grammar.listing").isdisjoint(words)
        self.last: Mention | None = None
        self.head_closed = False  # the noun phrase that names the product has ended
        self.unknown = 0  # unknown words since that kind was named
        self.start_clause()

    def start_clause(self) -> None:
        """Reset what applies to one clause only."""
        self.denying = False
        self.denied_some = False
        self.denied_at = 0
        self.doubting = False
        self.doubted_some = False
        self.only = False
        self.after_and = False
        self.blocked = False  # after a preposition, nouns are not the product
        self.having = False  # after "with", nouns are its parts
        self.adding = False  # after "it also has", nouns are parts of a known product
        self.said_some = False

    def handle(self, marker: str, at: int, end: int) -> None:
        """Read a word of grammar; markers without a handler are skipped."""
        handler = _HANDLERS.get(marker)
        if handler:
            handler(self, at, end)

    def is_denied(self, at: int, *, spared: bool) -> bool:
        """Tell whether an earlier "no" reaches this position, and end it if not."""
        if not self.denying:
            return False
        reach = _REACH_ON if self.denied_some else _REACH
        listed = self.denied_some and self.after_and and spared
        self.denying = not listed and at - self.denied_at <= reach
        return self.denying

    def close_head(self) -> None:
        """End the noun phrase; "phone gimbal" turns out not to be a phone."""
        kind = self.found.kind
        if kind and not self.head_closed:
            self.head_closed = True
            if kind.part and 1 <= self.unknown <= 2:  # noqa: PLR2004 - a longer run is a sentence
                self.found.kind, self.head_closed = None, False

    def _is_behind_last(self, at: int) -> bool:
        """Tell whether the last thing named comes right before, as in "battery: no"."""
        last = self.last
        if last is None or at - last.end > 1:
            return False
        return at == last.end or self.words[last.end] in get_words("grammar.between")

    def find_marker(self, at: int) -> str:
        """Return the marker at a position, "stop" at the end of the text."""
        if at >= len(self.words):
            return "stop"
        if self.words[at] in _STOPS:
            return "stop"
        entry = self.index.match(self.words, at)
        return entry.marker if entry and not entry.concept else ""

    def _handle_negator(self, at: int, end: int) -> None:
        following = self.find_marker(end)
        if self._is_behind_last(at) and following in ("stop", "after"):
            self._deny_last()
        elif self.words[at] in get_words("grammar.no_words") and (
            following == "stop" or following in _NEW_CLAUSE
        ):
            self._handle_no(at, end)
        else:
            self.denying, self.denied_some, self.denied_at = True, False, end

    def _deny_last(self) -> None:
        """Deny what was named last and what it is joined to: "A and B are not used"."""
        before = len(self.words)
        for mention in reversed(self.found.mentions):
            between = self.words[mention.end : before]
            if before < len(self.words) and not (
                between and get_words("grammar.joiners").issuperset(between)
            ):
                break
            mention.said = False
            before = mention.at

    def _handle_no(self, at: int, _end: int) -> None:
        if self._is_behind_last(at) and self.last:
            self.last.said = False
        elif self.found.yes_or_no is None:
            self.found.yes_or_no = False

    def _handle_yes(self, at: int, _end: int) -> None:
        if self.found.yes_or_no is None and not self._is_behind_last(at):
            self.found.yes_or_no = True

    def _handle_both(self, _at: int, _end: int) -> None:
        self.found.both = not self.denying

    def _handle_all(self, at: int, end: int) -> None:
        # "None at all", "it is all wood": only by itself, or with a yes, it is an answer.
        rest = {*self.words[:at], *self.words[end:]} - get_words("grammar.around_all")
        self.found.every = not (self.denying or rest)

    def _handle_unsure(self, at: int, end: int) -> None:
        if self._is_behind_last(at) and self.find_marker(end) == "stop" and self.last:
            self.last.said = None
        else:
            self.doubting, self.doubted_some, self.denying = True, False, False

    def _handle_only(self, at: int, end: int) -> None:
        if self._is_behind_last(at) and self.find_marker(end) == "stop" and self.last:
            self.last.only = True
        else:
            self.only = True

    def _handle_except(self, _at: int, _end: int) -> None:
        self.only = self.only or self.denied_some or self.found.yes_or_no is False
        self.denying = False

    def _handle_but(self, _at: int, _end: int) -> None:
        self._end_doubt()
        self.denying = False

    def _handle_and(self, _at: int, _end: int) -> None:
        self.after_and = True

    def _handle_or(self, _at: int, end: int) -> None:
        self.denied_at = end

    def _handle_reset(self, at: int, _end: int) -> None:
        if self.words[at] in get_words("grammar.adding"):
            self.close_head()
            self.adding = True
        if self.denied_some:
            self.denying = False
        if self.doubted_some:
            self.doubting = False

    def _handle_preposition(self, at: int, _end: int) -> None:
        self.close_head()
        self.blocked = True
        if self.adding and self.words[at - 1 : at + 1] == ["built", "in"]:
            return
        self.having = self.words[at] in get_words("grammar.having") or (
            self.having and self.words[at - 1 : at + 1] == ["built", "in"]
        )
        self.adding = False
        if self.denied_some and self.having:
            self.denying = False

    def _handle_correction(self, _at: int, _end: int) -> None:
        self.found.correction = True

    def _handle_excluded(self, _at: int, _end: int) -> None:
        """Read "not included", which denies an adapter but not a battery."""
        if self.last and self.last.concept.name == _ADAPTER:
            self.last.said = False

    def _handle_free(self, at: int, _end: int) -> None:
        if self.last and self.last.end == at:
            self.last.said = False

    def _end_doubt(self) -> None:
        if self.doubting and not self.doubted_some:
            self.found.unsure = True
        self.doubting = False

    def _handle_comma(self, at: int, _end: int) -> None:
        self.close_head()
        self.blocked = False
        if self.lists and (self.denied_some or self.doubted_some) and self._has_more_items(at + 1):
            return
        self._end_doubt()
        self.denying = False

    def _has_more_items(self, at: int) -> bool:
        """Tell whether "no A, B or C" is meant: an "or" comes before the clause ends."""
        for position in range(at, min(at + _REACH, len(self.words))):
            marker = self.find_marker(position)
            if marker == "or" or self.words[position] in ("nor", "noch"):
                return True
            if marker and marker not in ("preposition", "neutral") and self.words[position] != ",":
                return False
        return False

    def end_clause(self, at: int, _end: int) -> None:
        """End a clause."""
        self.close_head()
        self._end_doubt()
        if self.denying and not self.denied_some and not self.said_some:
            # "It does not." answers a question although it says neither yes nor no.
            self._handle_no(at, at)
        if at >= len(self.words) or self.words[at] != "?":
            self.last = None
        self.start_clause()


_HANDLERS = {
    "negator": Grammar._handle_negator,
    "no": Grammar._handle_no,
    "yes": Grammar._handle_yes,
    "both": Grammar._handle_both,
    "all": Grammar._handle_all,
    "unsure": Grammar._handle_unsure,
    "only": Grammar._handle_only,
    "except": Grammar._handle_except,
    "but": Grammar._handle_but,
    "and": Grammar._handle_and,
    "or": Grammar._handle_or,
    "reset": Grammar._handle_reset,
    "preposition": Grammar._handle_preposition,
    "correction": Grammar._handle_correction,
    "excluded": Grammar._handle_excluded,
    "free": Grammar._handle_free,
    "comma": Grammar._handle_comma,
    "stop": Grammar.end_clause,
}
