"""Finds the norms that an earlier answer named: in its list, before it, or in passing."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, cached_property

from services.conversation.language.norm_names import find_norms
from services.norms.catalogue import get_catalogue

# A list item, possibly with a date; of a numbered list only the first item.
_ITEM = re.compile(r"\s- (?:\d{4}-\d\d-\d\d: )?|:\s1\. ")


@dataclass(frozen=True)
class EarlierAnswer:
    """The norms of one answer, in the order in which it names them.

    Attributes:
        text: the answer, with or without line breaks.
    """

    text: str

    @cached_property
    def listed(self) -> tuple[str, ...]:
        """Ids of the norms that the list items begin with; none for other lists."""
        items = [match.end() for match in _ITEM.finditer(self.text)]
        if not items or items[0] not in self._titled:
            return ()
        return _drop_repeats(self._titled[at] for at in items if at in self._titled)

    @cached_property
    def has_other_list(self) -> bool:
        """Whether it has a list of something other than norms: of steps, or of open facts."""
        return not self.listed and _ITEM.search(self.text) is not None

    @cached_property
    def in_order(self) -> tuple[str, ...]:
        """Ids of the norms it is about: those in its list, else those with a title, else all."""
        return self.listed or _drop_repeats(self._titled.values()) or find_norms(self.text).ids

    @cached_property
    def focus(self) -> str | None:
        """The one norm that it is about; None when there is none or more than one.

        That is the only norm with a title before the list, or else the only norm at all.
        """
        first = _ITEM.search(self.text)
        before = first.start() if first else len(self.text)
        leading = _drop_repeats(norm for at, norm in self._titled.items() if at < before)
        if len(leading) == 1:
            return leading[0]
        return self.in_order[0] if len(self.in_order) == 1 else None

    @cached_property
    def _titled(self) -> dict[int, str]:
        """Ids of the norms that are named with their title, by position in the text."""
        found = {}
        for label, norm_id in _load_labels():
            at = self.text.find(label)
            while at >= 0:
                found[at] = norm_id
                at = self.text.find(label, at + 1)
        return dict(sorted(found.items()))


def _drop_repeats(ids: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(ids))


@cache
def _load_labels() -> tuple[tuple[str, str], ...]:
    return tuple((f"{norm.id} {norm.title}", norm.id) for norm in get_catalogue().norms)
