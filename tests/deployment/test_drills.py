"""The short form of the fault drills; `python -m tests.drills` runs all of them for longer."""

import pytest

from tests.drills.drills import DRILLS, SHORT


@pytest.mark.parametrize("name", SHORT)
def test_nothing_that_was_acknowledged_is_lost(name: str) -> None:
    """Under load: no turn lost, doubled or out of order, no deletion undone, no error."""
    journal = DRILLS[name].run(SHORT[name], by_command=False)
    assert journal.acknowledged
    assert journal.details() == []
