"""The flag is never down over a spill that holds something, whoever does what at once."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from services.sessions.outage.spill_lock import FileSpillLock, SpillLock, ThreadSpillLock
from tests.support.servers import ROOT

HOLD = """
import sys
from pathlib import Path
from services.sessions.outage.spill_lock import FileSpillLock
with getattr(FileSpillLock(Path(sys.argv[1])), sys.argv[2])():
    print("held", flush=True)
    sys.stdin.read()
"""


def up(flag: SpillLock) -> bool:
    """Whether it is up now; asked anew each time."""
    return flag.is_raised


@pytest.fixture(params=["memory", "file"])
def flag(request: pytest.FixtureRequest, tmp_path: Path) -> SpillLock:
    """The flag of a spill in memory, and of one in a file."""
    return (
        ThreadSpillLock()
        if request.param == "memory"
        else FileSpillLock(tmp_path / "new" / "spill.db")
    )


def test_it_is_down_until_something_is_written(flag: SpillLock) -> None:
    """And up from before the write on."""
    assert not up(flag)
    with flag.writing():
        assert up(flag)
    assert up(flag)


def test_it_is_lowered_over_an_empty_spill_only(flag: SpillLock) -> None:
    """What is found raises it, too: a spill that was left by an earlier process."""
    flag.lower(lambda: False)
    assert up(flag)
    flag.lower(lambda: True)
    assert not up(flag)


def test_what_is_read_stays_where_it_is(flag: SpillLock) -> None:
    """Nobody takes the files away before the read is over."""
    with flag.writing():
        pass
    taken = threading.Event()

    def take() -> None:
        with flag.exclusive():
            taken.set()

    with flag.reading():
        other = threading.Thread(target=take)
        other.start()
        assert not taken.wait(0.2)
    other.join()
    assert taken.is_set()


def test_one_sends_at_a_time(flag: SpillLock) -> None:
    """The second one is told so and does not wait."""
    with flag.sender() as first, flag.sender() as second:
        assert (first, second) == (True, False)
    with flag.sender() as later:
        assert later


def test_it_is_not_lowered_while_something_is_written(flag: SpillLock) -> None:
    """The spill looked empty, but the write was on its way."""
    lowered = threading.Event()

    def lower() -> None:
        flag.lower(lambda: True)
        lowered.set()

    with flag.writing():
        other = threading.Thread(target=lower)
        other.start()
        lowered.wait(0.2)
        assert up(flag)
    other.join()


def hold(spill: Path, what: str) -> subprocess.Popen[str]:
    """Another process that has the flag's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(spill), what],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    assert process.stdout.readline() == "held\n"
    return process


def test_processes_see_each_other(tmp_path: Path) -> None:
    """A write of one keeps the other from lowering; the end of a process ends its locks."""
    spill = tmp_path / "spill.db"
    flag = FileSpillLock(spill)
    with hold(spill, "writing") as writer:
        flag.lower(lambda: True)
        assert up(flag)
        writer.kill()
    flag.lower(lambda: True)
    assert not up(flag)
    with hold(spill, "sender") as sender:
        with flag.sender() as alone:
            assert not alone
        sender.kill()
    with flag.sender() as alone:
        assert alone
