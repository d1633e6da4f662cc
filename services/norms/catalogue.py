"""The catalogue of norms: all entries in order, and the facts they still need."""

from collections import Counter
from functools import cache, lru_cache
from pathlib import Path

from services.norms.facts import Facts
from services.norms.norm import Deadline, Norm
from services.norms.reading import CatalogueError, read_norms

__all__ = [
    "DISCLAIMER",
    "Catalogue",
    "CatalogueError",
    "Deadline",
    "Norm",
    "get_catalogue",
    "read_catalogue",
]

DISCLAIMER = (
    "This catalogue is not complete and its results are no legal advice: "
    "check the acts and standards themselves before you rely on them."
)

_REMEMBERED = 2_048
"""How many results of `count_open_facts` are cached, about 1 kB each."""
_PACKAGED = Path(__file__).with_name("catalogue.toml")


class Catalogue:
    """Norms in a fixed order, found by their id."""

    def __init__(self, norms: tuple[Norm, ...]) -> None:
        self.norms = norms
        self._by_id = {norm.id: norm for norm in norms}
        # Norms with the same condition share one expression, which is then evaluated once.
        self._triggers = Counter(norm.trigger for norm in norms)
        # Similar products have the same few facts at the start of their interviews.
        self._open_facts = lru_cache(_REMEMBERED)(self._count_open)

    def get(self, norm_id: str) -> Norm | None:
        """Find a norm by its exact id; None when it is not in the catalogue."""
        return self._by_id.get(norm_id)

    def list_undecided(self, facts: Facts) -> list[Norm]:
        """List the norms that the known facts do not decide."""
        return [norm for norm in self.norms if norm.trigger.evaluate(facts) is None]

    def count_open_facts(self, facts: Facts) -> Counter[str]:
        """Count, for each unknown fact, the undecided norms that it can still change."""
        return Counter(self._open_facts(frozenset(facts.items())))

    def _count_open(self, known: frozenset[tuple[str, bool | float]]) -> dict[str, int]:
        facts = dict(known)
        needed: dict[str, int] = {}
        for trigger, norms in self._triggers.items():
            for fact in trigger.find_open_facts(facts):
                needed[fact] = needed.get(fact, 0) + norms
        return needed


def read_catalogue(source: Path | str, name: str = "catalogue.toml") -> Catalogue:
    """Read and validate a catalogue.

    Args:
        source: path of a TOML file, or the TOML text itself.
        name: what to call the text in error messages; a file goes by its own name.

    Raises:
        CatalogueError: something in it is wrong; the message names file and line.
        OSError: the file cannot be read.
    """
    if isinstance(source, Path):
        return Catalogue(read_norms(source.read_text(encoding="utf-8"), source.name))
    return Catalogue(read_norms(source, name))


@cache
def get_catalogue() -> Catalogue:
    """Return the packaged catalogue, read on first use."""
    return read_catalogue(_PACKAGED)
