"""Reading what /metrics tells."""

from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

ENDINGS = {"histogram": ("_bucket", "_count", "_sum")}
"""What the names of samples have after that of their metric, by its type."""


class Sample(NamedTuple):
    """A line of a scrape."""

    name: str
    labels: dict[str, str]
    value: float


class Scrape:
    """The samples of one scrape.

    Args:
        text: the body of the answer.
    """

    def __init__(self, text: str) -> None:
        self.samples = [
            Sample(sample.name, dict(sample.labels), sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        ]

    @property
    def names(self) -> set[str]:
        """The names of all samples."""
        return {sample.name for sample in self.samples}

    def value(self, name: str, **labels: str) -> float | None:
        """One sample; None where it is left out."""
        for sample in self.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
        return None

    def labels(self, name: str, label: str) -> set[str]:
        """The values a label has among the samples of a name."""
        return {sample.labels[label] for sample in self.samples if sample.name == name}


def exported(text: str) -> set[str]:
    """The names that samples of this scrape have or would have, also where there is none yet."""
    names = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            names |= {name + end for end in ENDINGS.get(kind, ("",))}
    return names
