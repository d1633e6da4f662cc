"""One entry of the catalogue: a legal act or a standard and what makes it apply."""

from dataclasses import dataclass
from datetime import date

from services.norms.expressions import Expression


@dataclass(frozen=True, slots=True)
class Deadline:
    """A date that belongs to a norm, and what happens on it."""

    date: date
    what: str


@dataclass(frozen=True, slots=True)
class Norm:
    """A legal act or a standard.

    Attributes:
        id: the number it is cited by, such as "2014/35/EU".
        title: short name.
        kind: "regulation", "directive" or "standard".
        trigger: the condition under which it applies.
        summary: what it demands, in one sentence.
        note: limits, exclusions and neighbours worth knowing; may be empty.
        doubts: statements that are not certain and are shown as such.
        url: a public page on it.
        weight: rank among norms that apply, 1 to 100; acts with heavy duties come first.
        deadlines: dates that belong to it, earliest first.
        supports: ids of the acts that a standard helps to meet.
        watch: a framework without present duties of its own, to be watched.
    """

    id: str
    title: str
    kind: str
    trigger: Expression
    summary: str
    note: str
    doubts: tuple[str, ...]
    url: str
    weight: int
    deadlines: tuple[Deadline, ...]
    supports: tuple[str, ...]
    watch: bool
