"""Finds the lines of a catalogue's tables and keys, which tomllib does not report."""

import re

_HEADER = re.compile(r"\s*\[{1,2}\s*([\w.]+)\s*\]{1,2}\s*(?:#.*)?$")
_KEY = re.compile(r"\s*([\w-]+)\s*=")


class Lines:
    """Line numbers within one text.

    Relies on the catalogue's layout: every header and every key starts its own line, and no
    text spans several lines.

    Attributes:
        top: keys and table names outside any entry.
        definitions: keys of the table of shared terms.
        norms: for each entry its keys; the key "" is the header.
    """

    def __init__(self, text: str) -> None:
        self.top: dict[str, int] = {}
        self.definitions: dict[str, int] = {}
        self.norms: list[dict[str, int]] = []
        current = self.top
        for number, line in enumerate(text.splitlines(), 1):
            if header := _HEADER.match(line):
                self.top.setdefault(header[1], number)
                if header[1] == "norm":
                    current = {"": number}
                    self.norms.append(current)
                else:
                    current = self.definitions if header[1] == "definitions" else {}
            elif key := _KEY.match(line):
                current.setdefault(key[1], number)

    def find_norm_line(self, index: int, key: str = "") -> int:
        """Find a key of the entry with this index, or its header where the key is not found."""
        if index >= len(self.norms):
            return self.top.get("norm", 1)
        entry = self.norms[index]
        return entry.get(key, entry[""])
