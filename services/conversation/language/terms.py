"""The terms of the lexicon: concepts, kinds of product, and the index that finds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

Value = bool | int | float

# The facts of the interview's first topic: what kind of product it is, the most important
# first. The first that holds names the class of a product.
CLASS_LABELS: Mapping[str, str] = {
    "child_play": "toy",
    "ebike": "e-bike",
    "phone_tablet": "phone or tablet",
    "usb_c_cable": "USB-C cable",
    "is_display": "electronic display",
    "hand_tool": "power tool",
    "lab_equipment": "measuring or lab equipment",
    "luminaire": "luminaire",
    "light_source": "light source",
    "lighting": "lighting equipment",
    "appliance": "household appliance",
    "ict_av": "audio, video or IT equipment",
    "driven_moving_parts": "machine with driven parts",
    "charger_list": "",
    "eaa_list": "",
    "standby_list": "",
}
ORDINARY_PLUG_A = 16  # the most that a household plug carries in the EU
PURPOSE_LABELS = {"medical": "medical device", "ivd": "in-vitro test", "ppe": "protective gear"}


@dataclass(frozen=True, slots=True)
class Concept:
    """Something that can be said or denied of a product.

    Attributes:
        name: what the echo calls it.
        denial: what the echo calls its denial.
        group: the topic of the interview it belongs to.
        yes: facts that hold when it is said.
        soft: facts that usually go with it; anything else said about them wins.
        asked: facts that hold when it is the answer to a question of its own group.
        no: facts that hold when it is denied.
        open: facts it names without giving a value ("the amps").
        opens: facts it makes doubtful unless they were stated ("for children": is it a toy?).
        own: whether "no X and Y" does not deny it when it is Y.
        quiet: whether the echo leaves it out.
        inside: whether it also counts inside the name of a kind ("smart lamp").
    """

    name: str
    denial: str
    group: str
    yes: tuple[tuple[str, Value], ...]
    soft: tuple[tuple[str, Value], ...]
    asked: tuple[tuple[str, Value], ...]
    no: tuple[tuple[str, Value], ...]
    open: tuple[str, ...]
    opens: tuple[str, ...]
    own: bool
    inside: bool
    quiet: bool

    def list_doubtful(self) -> tuple[str, ...]:
        """List the facts that stay open when the maker is not sure of this concept."""
        said = self.yes or self.asked or self.no
        return self.open or tuple(name for name, _ in said if name != "electrical")


@dataclass(frozen=True, slots=True)
class ProductKind:
    """A kind of product.

    Attributes:
        name: the words that name it.
        label: its class in words, or "".
        facts: what is assumed of it, including the class facts that it does not have.
        main: the one fact that "it is not a ..." denies, or "".
        part: whether its name often only qualifies another noun.
    """

    name: str
    label: str
    facts: tuple[tuple[str, Value], ...]
    main: str
    part: bool


@dataclass(slots=True)
class Entry:
    """What one phrase of the lexicon stands for.

    Attributes:
        rest: its words after the second.
        size: how many words it has.
        marker: its part in grammar, or "".
        concept: what it says of a product.
        kind: the kind of product it names.
        inner: what the words inside the name of a kind say.
    """

    rest: list[str]
    size: int
    marker: str = ""
    concept: Concept | None = None
    kind: ProductKind | None = None
    inner: tuple[Concept, ...] = ()


@dataclass(slots=True)
class Branch:
    """The phrases that begin with one word.

    Attributes:
        alone: the entry for the word by itself.
        longer: the entries of several words, by their second word, the longest first.
    """

    alone: Entry | None = None
    longer: dict[str, list[Entry]] = field(default_factory=dict)


class Index(dict[str, Branch]):
    """Every phrase, by its first word."""

    def match(self, words: list[str], at: int) -> Entry | None:
        """Find the longest phrase that starts at a position."""
        branch = self.get(words[at])
        if branch is None:
            return None
        if branch.longer and at + 1 < len(words):
            for entry in branch.longer.get(words[at + 1], ()):
                if not entry.rest or words[at + 2 : at + entry.size] == entry.rest:
                    return entry
        return branch.alone
