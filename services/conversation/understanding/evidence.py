"""Collects what one message says of a product while it is being read."""

from dataclasses import dataclass, field

from services.conversation.language.quantities import LARGEST
from services.conversation.language.terms import Value
from services.conversation.understanding.mentions import Mention, Scan


@dataclass(slots=True)
class Evidence:
    """Facts by how certain the message makes them, and the words for the echo.

    Attributes:
        scan: the message as read.
        topic: id of the question it answers, or None.
        stated: facts that were said.
        likely: facts that usually go with what was said; anything stated wins.
        closing: facts denied by leaving them out of the answer to a list question.
        opens: facts made doubtful unless they were stated.
        unsure: facts the maker does not know.
        said: the words behind each stated or likely fact.
        heard: (position, words) for the echo.
        names: names of the concepts that were said.
        denied: names of the concepts that were denied.
    """

    scan: Scan
    topic: str | None
    stated: dict[str, Value] = field(default_factory=dict)
    likely: dict[str, Value] = field(default_factory=dict)
    closing: dict[str, Value] = field(default_factory=dict)
    opens: set[str] = field(default_factory=set)
    unsure: set[str] = field(default_factory=set)
    said: dict[str, str] = field(default_factory=dict)
    heard: list[tuple[int, str]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    denied: set[str] = field(default_factory=set)

    def set_fact(self, name: str, value: Value, words: str) -> None:
        """Set a fact that was said; a yes beats a no."""
        if value or not self.stated.get(name):
            self.stated[name] = value
        self.add_words(name, words)

    def add_words(self, name: str, words: str) -> None:
        """Remember words behind a fact."""
        before = self.said.get(name)
        if before is None:
            self.said[name] = words
        elif words not in before.split(", "):
            self.said[name] = f"{before}, {words}"

    def add_echo(self, at: int, words: str) -> None:
        """Add words to the echo."""
        self.heard.append((at, words))

    def find_amounts(self, unit: str, topic: str | None = None) -> list[float]:
        """List the highest value of each quantity in a unit.

        Args:
            unit: the unit.
            topic: the topic in whose answer a bare number has that unit, too.
        """
        bare = topic is not None and topic == self.topic
        found = (
            max(quantity.values)
            for quantity in self.scan.quantities
            if quantity.unit == unit or (bare and not quantity.unit)
        )
        return [value for value in found if 0 < value <= LARGEST[unit]]

    def find_first(self, name: str) -> Mention | None:
        """Find the first mention of a concept that was said."""
        return next(
            (each for each in self.scan.mentions if each.said and each.concept.name == name), None
        )
