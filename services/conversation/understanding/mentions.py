"""The result of scanning a text, before it is turned into facts."""

from dataclasses import dataclass, field

from services.conversation.language.quantities import Quantity
from services.conversation.language.terms import Concept, ProductKind


@dataclass(slots=True)
class Mention:
    """A concept in the text.

    Attributes:
        concept: what is named.
        said: True when said, False when denied, None when the maker is not sure.
        only: whether "only" belongs to it.
        at: position of its first token.
        end: position after its last token.
        inner: whether it is part of the name of a kind, so the echo already contains it.
    """

    concept: Concept
    said: bool | None
    only: bool
    at: int
    end: int
    inner: bool = False


@dataclass(slots=True)
class Scan:
    """What was found in a text.

    Attributes:
        tokens: the text in tokens.
        mentions: the concepts, in order.
        quantities: numbers with their units, denied ones left out.
        kind: the kind of product the text is about.
        kind_at: position of the words that name it.
        kind_added: whether it is named as something that a product "also has".
        toy: whether "toy" qualifies that kind.
        parts: kinds that the product contains ("with a lamp"), with their positions.
        not_kinds: kinds that it is said not to be, with their positions.
        yes_or_no: True or False for a plain yes or no.
        both: whether the answer was "both".
        every: whether the answer was "all of them".
        unsure: whether the maker does not know, without saying what.
        correction: whether the words announce a correction.
    """

    tokens: list[str]
    mentions: list[Mention] = field(default_factory=list)
    quantities: list[Quantity] = field(default_factory=list)
    kind: ProductKind | None = None
    kind_at: int = -1
    kind_added: bool = False
    toy: bool = False
    parts: list[tuple[int, ProductKind]] = field(default_factory=list)
    not_kinds: list[tuple[int, ProductKind]] = field(default_factory=list)
    yes_or_no: bool | None = None
    both: bool = False
    every: bool = False
    unsure: bool = False
    correction: bool = False
