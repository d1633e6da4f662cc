"""The spill's file: shared, outliving its writers, and honest when it cannot be written."""

import contextlib
import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path

import pytest

from services.keyspaces import build_teaser_chat_keyspace
from services.sessions import codec
from services.sessions.errors import StoreCorrupt, StoreFull, StoreUnavailable
from services.sessions.outage import Spill, open_spill
from services.sessions.stores import SqlStore
from services.sessions.stores.base import Condition, Outcome, Record
from tests.support.engines import document_record
from tests.support.servers import ROOT

CHAT = build_teaser_chat_keyspace()
WRITE_AND_DIE = """
import os, signal, sys
from services.sessions.outage import open_spill
from services.sessions.stores.base import Condition
from tests.support.engines import document_record
spill = open_spill(sys.argv[1])
for at in range(20):
    spill.put(document_record(f"chat:session:{at}", 1, "text"), Condition.ABSENT)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the spill is."""
    return tmp_path / "spill.db"


@pytest.fixture
def spill(file: Path) -> Spill:
    """A spill in a file that is not there yet."""
    return open_spill(f"sqlite:///{file}")


def chat(version: int = 1, text: str = "text") -> Record:
    """A conversation."""
    return document_record(CHAT.key(str(uuid.uuid4())), version, text, indexes=CHAT.indexes("me"))


def test_what_a_killed_process_had_taken_is_there(spill: Spill, file: Path) -> None:
    """Taken means written; the flag is up for the others."""
    command = [sys.executable, "-c", WRITE_AND_DIE, f"sqlite:///{file}"]
    died = subprocess.run(command, cwd=ROOT, check=False, timeout=30)
    assert died.returncode == -signal.SIGKILL
    assert spill.is_occupied
    assert spill.backlog().count == 20


def test_a_record_comes_back_as_it_went_in(spill: Spill) -> None:
    """With its expiry and its indexes, so that the engine gets what it would have got."""
    record = chat(version=7)
    assert spill.put(record, Condition.UNCHANGED).version == 7
    assert spill.read_record(record.key) == record
    assert spill.pending(10) == [record]


def test_conditions_hold_among_what_is_there(spill: Spill) -> None:
    """What is not there is taken for what the writer saw."""
    record = chat(version=3)
    assert spill.put(record, Condition.UNCHANGED).outcome is Outcome.STORED
    again = document_record(record.key, 3, "other")
    assert spill.put(again, Condition.UNCHANGED).outcome is Outcome.CONFLICT
    assert spill.put(again, Condition.ABSENT).outcome is Outcome.CONFLICT
    base = codec.join(3, record.body)
    assert spill.put(again.at(4)._replace(base=base), Condition.UNCHANGED) == (Outcome.STORED, 4)


def test_a_version_alone_does_not_say_what_a_change_was_made_from(spill: Spill) -> None:
    """The engine may have another document of the same version, made by another worker."""
    here, there = chat(version=6, text="here"), chat(version=6, text="there")
    spill.put(here, Condition.UNCHANGED)
    later = document_record(here.key, 7, "later")
    made_there = later._replace(base=codec.join(6, there.body))
    assert spill.put(made_there, Condition.UNCHANGED).outcome is Outcome.CONFLICT
    made_here = later._replace(base=codec.join(6, here.body))
    assert spill.put(made_here, Condition.UNCHANGED).outcome is Outcome.STORED


def test_a_spill_left_by_an_earlier_process_is_found(file: Path) -> None:
    """Also if the flag beside it was removed by somebody who tidied up."""
    first = open_spill(f"sqlite:///{file}")
    first.put(chat(), Condition.ABSENT)
    first.close()
    file.with_name("spill.db.flag").unlink()
    later = open_spill(f"sqlite:///{file}")
    later.refresh_occupied()
    assert later.is_occupied
    assert later.backlog().count == 1


def test_a_start_without_a_spill_makes_none(spill: Spill, file: Path) -> None:
    """There is nothing to be found."""
    spill.refresh_occupied()
    assert not spill.is_occupied
    assert not file.exists()


@pytest.mark.parametrize("content", [b"garbage" * 1000, b"SQLite format 3\0" + b"\xff" * 8176])
def test_an_unreadable_file_is_kept_aside_and_serving_goes_on(
    spill: Spill, file: Path, content: bytes
) -> None:
    """Somebody may look at it; a new one takes what comes."""
    spill.put(chat(), Condition.ABSENT)
    spill.close()
    for leftover in file.parent.glob("spill.db-*"):
        leftover.unlink()
    file.write_bytes(content)
    record = chat()
    assert spill.put(record, Condition.ABSENT).outcome is Outcome.STORED
    assert spill.read_record(record.key) == record
    (aside,) = file.parent.glob("spill.db.unreadable-*[0-9]")
    assert aside.read_bytes() == content


def test_an_unreadable_file_does_not_keep_it_from_being_asked(spill: Spill, file: Path) -> None:
    """A read finds nothing there instead of failing."""
    record = chat()
    spill.put(record, Condition.ABSENT)
    spill.close()
    file.write_bytes(b"garbage" * 1000)
    assert spill.get(record.key) is None
    spill.refresh_occupied()
    assert not spill.is_occupied


def test_a_file_that_another_process_moved_aside_is_not_written_any_more(
    spill: Spill, file: Path
) -> None:
    """The connection would go on with the old file, where nobody looks."""
    spill.put(chat(), Condition.ABSENT)
    for part in file.parent.glob("spill.db*"):
        if ".flag" not in part.name:
            part.rename(part.with_name(f"moved-{part.name}"))
    record = chat()
    spill.put(record, Condition.ABSENT)
    assert open_spill(f"sqlite:///{file}").read_record(record.key) == record


def test_two_processes_that_find_it_unreadable_move_one_file_aside(
    spill: Spill, file: Path
) -> None:
    """The one that comes second finds the new file, and what was put there meanwhile."""
    record = chat()

    class Slow(SqlStore):
        """What was unreadable when it was asked, and is mended by the time it says so."""

        asked = False

        def get(self, key: str) -> bytes | None:
            if self.asked:
                return super().get(key)
            self.asked = True
            spill.put(record, Condition.ABSENT)
            raise StoreCorrupt("corrupt_file")

    file.write_bytes(b"garbage" * 1000)
    second = Spill(Slow(f"sqlite:///{file}"), file=file)
    assert second.get(record.key) == codec.join(1, record.body)
    assert len(list(file.parent.glob("spill.db.unreadable-*[0-9]"))) == 1


def test_a_file_is_not_given_up_under_somebody_who_reads_it(spill: Spill, file: Path) -> None:
    """A reader that connects meanwhile would make parts of it anew, which then went as well."""
    record, given_up = chat(), threading.Event()
    spill.put(record, Condition.ABSENT)

    def give_up() -> None:
        spill.discard({record.key: record})
        given_up.set()

    class Slow(SqlStore):
        def get(self, key: str) -> bytes | None:
            threading.Thread(target=give_up).start()
            assert not given_up.wait(0.3)
            return super().get(key)

    reader = Spill(Slow(f"sqlite:///{file}"), file=file)
    assert reader.get(record.key) == codec.join(1, record.body)
    assert given_up.wait(10)
    assert not file.exists()


def test_a_file_is_given_up_when_all_in_it_was_taken(spill: Spill, file: Path) -> None:
    """And not when there is anything else, or anything newer, in it."""
    one, two = chat(), chat()
    spill.put(one, Condition.ABSENT)
    spill.put(two, Condition.ABSENT)
    assert not spill.discard({one.key: one})
    later = document_record(two.key, 2, "later")._replace(base=codec.join(1, two.body))
    spill.put(later, Condition.UNCHANGED)
    assert not spill.discard({one.key: one, two.key: two})
    assert spill.backlog().count == 2
    taken = {record.key: record for record in spill.pending(9)}
    assert spill.discard(taken)
    assert not file.exists()
    spill.refresh_occupied()
    assert not spill.is_occupied
    spill.put(one, Condition.ABSENT)
    assert spill.backlog().count == 1


def test_a_full_disk_is_no_yes(spill: Spill, file: Path) -> None:
    """The write is refused, with the reason; what was taken before is still there."""
    first = chat()
    spill.put(first, Condition.ABSENT)
    taken = [first]
    code = f"""
import resource, sys
from services.sessions.errors import StoreUnavailable
from services.sessions.outage import open_spill
from services.sessions.stores.base import Condition
from tests.support.engines import document_record
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
spill = open_spill("sqlite:///{file}")
for at in range(200):
    try:
        spill.put(document_record(f"chat:session:{{at}}", 1, "x" * 5000), Condition.ABSENT)
    except StoreUnavailable as error:
        print("refused", error.reason)
        break
    print("taken", at)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    said = done.stdout.split("\n")
    assert said[-2].startswith("refused"), done.stdout + done.stderr
    told = sum(line.startswith("taken") for line in said)
    assert 0 < told < 200
    assert spill.backlog().count == told + len(taken)


def weigh(file: Path) -> int:
    """The bytes of a spill's files."""
    return sum(part.stat().st_size for part in file.parent.glob(f"{file.name}*"))


@pytest.mark.parametrize("kind", ["sqlite", "memory"])
def test_a_full_spill_takes_nothing_more_and_keeps_what_it_has(file: Path, kind: str) -> None:
    """It says so, never grows beyond its limit, and takes more once there is room again."""
    url = f"sqlite:///{file}" if kind == "sqlite" else "memory://"
    spill, limit = open_spill(url, max_bytes=2_000_000), 2_000_000
    taken: list[Record] = []
    with contextlib.suppress(StoreFull):
        for _ in range(200):
            record = chat(text="x" * 20_000)
            spill.put(record, Condition.ABSENT)
            taken.append(record)
            assert weigh(file) <= limit
    assert 50 < len(taken) < 110
    assert not spill.has_room()
    with pytest.raises(StoreFull, match=r"spill_full|memory_full"):
        spill.put(chat(text="x" * 200_000), Condition.ABSENT)
    assert spill.backlog().count == len(taken)
    assert all(spill.read_record(record.key) == record for record in taken)
    spill.forget(taken[:40])
    assert spill.has_room()
    assert spill.put(chat(text="x" * 20_000), Condition.ABSENT).outcome is Outcome.STORED
    assert weigh(file) <= limit


def test_what_was_sent_leaves_nothing_on_the_disk(spill: Spill, file: Path) -> None:
    """The file goes when nothing waits any more, and comes back with the next outage."""
    record = chat(text="a very private lamp " * 5000)
    spill.put(record, Condition.ABSENT)
    other = open_spill(f"sqlite:///{file}")
    assert other.read_record(record.key) == record
    spill.forget([record])
    spill.shrink()
    assert weigh(file) < 100
    assert other.read_record(record.key) is None
    spill.refresh_occupied()
    assert not other.is_occupied
    assert other.put(record, Condition.ABSENT).outcome is Outcome.STORED
    assert spill.read_record(record.key) == record
    assert file.stat().st_mode & 0o077 == 0


def test_what_cannot_be_sent_stays_while_the_rest_is_given_back(spill: Spill, file: Path) -> None:
    """No page and no log has what was removed."""
    stuck, sent = chat(text="stuck"), [chat(text="very private " * 2000) for _ in range(50)]
    for record in (stuck, *sent):
        spill.put(record, Condition.ABSENT)
    spill.forget(sent)
    spill.shrink()
    assert weigh(file) < 200_000
    assert spill.pending(9) == [stuck]
    for part in file.parent.glob(f"{file.name}*"):
        assert b"very private" not in part.read_bytes()


def test_a_folder_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """Not an error of ours, and not a yes."""
    in_the_way = tmp_path / "file"
    in_the_way.write_text("this is no folder")
    spill = open_spill(f"sqlite:///{in_the_way / 'spill.db'}")
    with pytest.raises(StoreUnavailable) as told:
        spill.put(chat(), Condition.ABSENT)
    assert told.value.retry_after > 1
    assert str(tmp_path) not in str(told.value)


def test_a_spill_is_on_this_host() -> None:
    """Anything else would be away together with the engine."""
    with pytest.raises(ValueError, match="on this host"):
        open_spill("redis://127.0.0.1:6379/0")


def test_documents_stay_readable_in_the_file(spill: Spill) -> None:
    """An operator may look at what waits."""
    record = chat()
    spill.put(record, Condition.ABSENT)
    value = spill.get(record.key)
    assert value
    assert codec.decode(value)["text"] == "text"
