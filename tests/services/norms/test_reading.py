"""What is refused when a catalogue is loaded, and how the fault is located."""

from datetime import date
from pathlib import Path

import pytest

from services.norms.catalogue import CatalogueError, Deadline, read_catalogue

GOOD = """\
[definitions]
health = "medical or ivd"
quiet = "not radio and not health"

[[norm]]
id = "A 1"
title = "First act"
kind = "directive"
trigger = "electrical and quiet"
summary = "Be safe."
note = "Some are excluded."
doubts = ["It may change."]
url = "https://example.org/a1"
weight = 90
deadlines = [
    { date = 2027-01-20, what = "ends" },
    { date = 2025-08-01, what = "applies" },
]

[[norm]]  # a standard
id = "S 1"
title = "First standard"
kind = "standard"
trigger = "electrical"
summary = "Shows how."
url = "https://example.org/s1"
weight = 40
supports = ["A 1"]
watch = true
"""


def read_refusal(text: str) -> str:
    """Load a catalogue that must be refused and return the message."""
    with pytest.raises(CatalogueError) as caught:
        read_catalogue(text, "own.toml")
    return str(caught.value)


def test_a_good_catalogue_is_read_whole() -> None:
    """Every field arrives; what may be left out has a neutral value; dates are in order."""
    act, standard = read_catalogue(GOOD).norms
    assert (act.id, act.title, act.kind, act.weight) == ("A 1", "First act", "directive", 90)
    assert (act.summary, act.note, act.doubts) == (
        "Be safe.",
        "Some are excluded.",
        ("It may change.",),
    )
    assert act.deadlines == (
        Deadline(date(2025, 8, 1), "applies"),
        Deadline(date(2027, 1, 20), "ends"),
    )
    assert act.trigger.list_facts() == {"electrical", "radio", "medical", "ivd"}
    assert (act.supports, act.watch) == ((), False)
    assert (standard.note, standard.doubts, standard.deadlines) == ("", (), ())
    assert (standard.supports, standard.watch) == (("A 1",), True)


def test_a_file_is_named_in_the_message(tmp_path: Path) -> None:
    """A catalogue in a file goes by the name of the file."""
    path = tmp_path / "mine.toml"
    path.write_text(GOOD.replace("electrical and quiet", "electric"), encoding="utf-8")
    with pytest.raises(CatalogueError, match=r"^mine\.toml:9: unknown fact 'electric'"):
        read_catalogue(path)


def test_a_missing_file_is_an_operating_system_error(tmp_path: Path) -> None:
    """It is not mistaken for an empty catalogue."""
    with pytest.raises(OSError, match=r"absent\.toml"):
        read_catalogue(tmp_path / "absent.toml")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'trigger = "electrical and quiet"',
            'trigger = "electrical and radoi"',
            "own.toml:9: unknown fact 'radoi' (column 16) in norm A 1",
        ),
        (
            'trigger = "electrical and quiet"',
            'trigger = "electrical and"',
            "own.toml:9: invalid syntax (column 15) in norm A 1",
        ),
        (
            'trigger = "electrical"',
            'trigger = "v_ac"',
            "own.toml:24: 'v_ac' is a number: compare it (column 1) in norm S 1",
        ),
        (
            'health = "medical or ivd"',
            'health = "medicine or ivd"',
            "own.toml:2: unknown fact 'medicine' (column 1) in definition health",
        ),
        (
            'health = "medical or ivd"',
            'radio = "medical or ivd"',
            "own.toml:2: definition 'radio' has the name of a fact",
        ),
        ('health = "medical or ivd"', "health = 3", "own.toml:2: definition 'health' must be text"),
        ('title = "First standard"\n', "", "own.toml:20: missing field 'title' in norm S 1"),
        ('id = "S 1"\n', "", "own.toml:20: missing field 'id' in norm 2"),
        ('id = "S 1"', 'id = "A 1"', "own.toml:21: duplicate id 'A 1' in norm A 1"),
        ('note = "', 'nota = "', "own.toml:11: unknown key 'nota' in norm A 1"),
        ('kind = "standard"', 'kind = "law"', "own.toml:23: kind 'law' is none of"),
        ('summary = "Be safe."', 'summary = ""', "own.toml:10: 'summary' is empty in norm A 1"),
        ("weight = 90", "weight = 900", "own.toml:14: weight 900 is not within 1 to 100"),
        ("weight = 90", "weight = true", "own.toml:14: 'weight' must be a whole number"),
        ("watch = true", 'watch = "yes"', "own.toml:29: 'watch' must be true or false"),
        ("https://example.org/a1", "example.org", "own.toml:13: the url must start with https"),
        ('["It may change."]', '"It may change."', "own.toml:12: 'doubts' must be a list"),
        ('["It may change."]', "[3]", "own.toml:12: 'doubts' must be a list of texts"),
        ('supports = ["A 1"]', 'supports = ["B 2"]', "own.toml:28: 'B 2' is no act of this"),
        ('supports = ["A 1"]', 'supports = ["S 1"]', "own.toml:28: 'S 1' is no act of this"),
        ("2027-01-20", '"2027-01-20"', "own.toml:15: a deadline must be"),
        ("2027-01-20", "2027-01-20T00:00:00", "own.toml:15: a deadline must be"),
        ('what = "ends"', 'why = "ends"', "own.toml:15: a deadline must be"),
        ('what = "ends"', 'what = "ends", sure = true', "own.toml:15: a deadline must be"),
        ("2027-01-20", "2027-02-30", "own.toml:16: "),
        ("[definitions]", "[defs]", "own.toml:1: unknown key 'defs'"),
        ("weight = 40", "weight = ", "own.toml:27: "),
        ("watch = true\n", 'watch = "', "own.toml:29: "),
    ],
)
def test_a_fault_is_refused_with_its_line(old: str, new: str, message: str) -> None:
    """The message names the file, the line of the field or entry, and what is wrong."""
    assert old in GOOD
    assert read_refusal(GOOD.replace(old, new, 1)).startswith(message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("definitions = 3", "own.toml:1: definitions must be a table"),
        ("\nnorm = 3", "own.toml:2: write each norm as [[norm]]"),
        ("[norm]\nid = 3", "own.toml:1: write each norm as [[norm]]"),
        ("norm = [3]", "own.toml:1: a norm must be a table in norm 1"),
        ("\nnorm = [{ id = 3 }]", "own.toml:2: missing field 'title' in norm 3"),
    ],
)
def test_another_layout_is_refused(text: str, message: str) -> None:
    """TOML that is valid but not a catalogue is refused with what it should be."""
    assert read_refusal(text) == message


def test_an_empty_catalogue_has_no_norms() -> None:
    """Nothing is invented."""
    assert read_catalogue("").norms == ()
