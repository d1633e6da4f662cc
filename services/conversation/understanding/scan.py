"""Reads a text word by word: what it names, and whether it affirms, denies or doubts it."""

from services.conversation.language.quantities import read_quantity
from services.conversation.language.terms import Concept, Entry, ProductKind
from services.conversation.language.tokens import split_tokens
from services.conversation.language.word_lists import get_words
from services.conversation.understanding.grammar import Grammar
from services.conversation.understanding.mentions import Mention, Scan


def scan(text: str) -> Scan:
    """Read a text. Never raises; takes time proportional to its length."""
    return _Scanner(split_tokens(text)).run()


class _Scanner(Grammar):
    """Walks over the tokens and notes what they name."""

    def run(self) -> Scan:
        """Walk over all tokens."""
        words, match, size = self.words, self.index.match, len(self.words)
        denies_noun = get_words("scan.denies_noun")
        at = 0
        while at < size:
            entry = match(words, at)
            if entry and entry.size == 2 and words[at] in denies_noun:  # noqa: PLR2004 - "no" + noun
                entry = self._match_denied_noun(entry, at)
            if entry:
                end = at + entry.size
                self._read(entry, at, end)
                at = end
            elif words[at][0].isdigit():
                at = self._add_quantity(at)
            else:
                self.unknown += 1
                at += 1
        self.end_clause(size, size)
        return self.found

    def _match_denied_noun(self, entry: Entry, at: int) -> Entry | None:
        """Read "no power adapter" as no adapter: a longer noun is denied as a whole."""
        end = at + entry.size
        goes_on = entry.concept and end < len(self.words) and not self.find_marker(end)
        return self.index[self.words[at]].alone if goes_on else entry

    def _read(self, entry: Entry, at: int, end: int) -> None:
        if entry.concept:
            self._add_concept(entry.concept, at, end)
        if entry.kind:
            self._add_kind(entry.kind, entry, at)
        elif not entry.concept:
            self.handle(entry.marker, at, end)

    def _add_concept(self, concept: Concept, at: int, end: int) -> None:
        said: bool | None = True
        if self.doubting:
            said, self.doubted_some = None, True
        elif self.is_denied(at, spared=concept.own):
            said, self.denied_some, self.denied_at = False, True, end
        self.after_and = False
        self.said_some = True
        self.last = Mention(concept, said, self.only, at, end)
        self.found.mentions.append(self.last)

    def _add_kind(self, kind: ProductKind, entry: Entry, at: int) -> None:
        end = at + entry.size
        denied = self.is_denied(at, spared=False)
        if denied and not entry.concept:
            self.found.not_kinds.append((at, kind))
            self.denied_some, self.denied_at, self.said_some = True, end, True
        if not denied and not self.doubting and self._is_part(kind, end):
            self._note_inner(entry, at, end)
            if not entry.concept:
                self.found.parts.append((at, kind))
                self.said_some = True
        if denied or self.doubting or self.blocked or self.head_closed:
            self.doubted_some = self.doubted_some or self.doubting
            return
        self._note_inner(entry, at, end)
        self.said_some = True
        self.unknown = 0
        self.found.kind_added = self.adding
        self.found.toy = self.found.toy or kind.main == "child_play"
        self.found.kind, self.found.kind_at = kind, at

    def _note_inner(self, entry: Entry, at: int, end: int) -> None:
        """Note the concepts inside the name of a kind: "smart lamp"."""
        self.found.mentions.extend(
            Mention(concept, said=True, only=False, at=at, end=end, inner=True)
            for concept in entry.inner
        )

    def _is_part(self, kind: ProductKind, end: int) -> bool:
        """Tell whether a kind is named as something that the product contains.

        Neither "with your phone" nor "has a phone holder" means that.
        """
        if self.adding and (self.blocked or self.head_closed):
            return not kind.part or self.find_marker(end) != ""
        return self.blocked and self.having and not kind.part

    def _add_quantity(self, at: int) -> int:
        quantity, end = read_quantity(self.words, at)
        if quantity and quantity.unit:
            self._close_part()
            self.said_some = True
            self.doubted_some = self.doubted_some or self.doubting
            if self.denying and not self.denied_some and at - self.denied_at <= 1:
                self.denied_some, self.denied_at = True, end
                return end
            before = self.words[max(0, at - 5) : at]
            if quantity.unit == "V" and not get_words("scan.measures").isdisjoint(before):
                return end
        if quantity:
            self.found.quantities.append(quantity)
        return end

    def _close_part(self) -> None:
        kind = self.found.kind
        if kind and kind.part:
            self.close_head()
