"""The workers' folder of metrics: the unreadable hides itself, what has ended is added up."""

import fcntl
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client.mmap_dict import MmapedDict, mmap_key

from services.sessions.metrics_folder import ENDED, LOCK, read_metrics, remove_ended

ALIVE = 1
"""The process that is always there."""
RELOADS = 100
FILES_OF_A_WORKER = ("counter", "histogram", "gauge_liveall")


@pytest.fixture(scope="module")
def ended() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def write(folder: Path, kind: str, pid: int | str, **values: float) -> Path:
    """A worker's file with a value for each name."""
    file = folder / f"{kind}_{pid}.db"
    entries = MmapedDict(str(file))
    for name, value in values.items():
        labels = {"le": "0.5"} if kind == "histogram" else {"word": "a"}
        key = mmap_key(name, f"{name}_bucket", list(labels), list(labels.values()), "Help.")
        if kind != "histogram":
            key = mmap_key(name, name, list(labels), list(labels.values()), "Help.")
        entries.write_value(key, value, 0.0)
    entries.close()
    return file


def write_worker(folder: Path, pid: int, value: float = 1) -> None:
    """All files of a worker."""
    for kind in FILES_OF_A_WORKER:
        write(folder, kind, pid, **{f"{kind}_x": value})


def read(folder: Path) -> dict[str, float]:
    """Everything that is counted, by the name of the sample."""
    return {one.name: one.value for family in read_metrics(folder) for one in family.samples}


def list_names(folder: Path) -> set[str]:
    """The files but the one that is locked."""
    return {file.name for file in folder.iterdir()} - {LOCK}


def entry(key: bytes, value: float = 1.0) -> bytes:
    """A file with one entry, as the client library lays it out."""
    padded = key + b" " * (8 - (len(key) + 4) % 8)
    body = struct.pack(f"i{len(padded)}sdd", len(key), padded, value, 0.0)
    return struct.pack("ii", 8 + len(body), 0) + body


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("counter_7.db", b""),
        ("counter_7.db", b"\0\0"),
        ("counter_7.db", bytes(65_536)),
        ("counter_7.db", b"\xff" * 100),
        ("counter_7.db", struct.pack("ii", 2**31 - 1, 0)),
        ("counter_7.db", struct.pack("ii", -5, 0) + bytes(100)),
        ("counter_7.db", struct.pack("iii", 64, 0, 1000) + bytes(100)),
        ("counter_7.db", entry(b"no JSON")),
        ("counter_7.db", entry(b"[1, 2, 3, 4]")),
        ("counter_7.db", entry(b'["a", "a", {"b": 1}, "c"]')),
        ("counter_7.db", entry(b'["a", "a", {}]')),
        ("counter_7.db", entry(b"\xff\xfe")),
        ("counter_7.db", entry(b'["a", "a", {}, "c"]', float("nan"))),
        ("histogram_7.db", entry(b'["a", "a", {"le": "x"}, "c"]')),
        ("gauge_7.db", entry(b'["a", "a", {}, "c"]')),
        ("junk.db", entry(b'["a", "a", {}, "c"]')),
        ("counter_.db", entry(b'["a", "a", {}, "c"]')),
        ("counter_7.db", None),
    ],
)
def test_a_file_that_cannot_be_read_hides_only_itself(
    tmp_path: Path, ended: int, name: str, content: bytes | None
) -> None:
    """A worker may die at any moment, and a disk may be full; the others are told of."""
    write_worker(tmp_path, ALIVE, 2)
    expected = read(tmp_path)
    assert expected["counter_x"] == 2
    bad = tmp_path / name
    if content is None:
        bad.mkdir()
    else:
        bad.write_bytes(content)
    assert read(tmp_path) == expected
    write(tmp_path, "counter", ended, counter_x=3)
    remove_ended(tmp_path, ended)
    assert read(tmp_path) == expected | {"counter_x": 5}


def test_it_does_not_grow_with_workers_that_ended(tmp_path: Path, ended: int) -> None:
    """After many reloads it is as it was after the first; every count is kept, no gauge is."""
    write_worker(tmp_path, ALIVE)
    write_worker(tmp_path, ended)
    remove_ended(tmp_path, ended)
    files = list_names(tmp_path)
    assert files == {
        *(f"{kind}_{ALIVE}.db" for kind in FILES_OF_A_WORKER),
        *(f"{kind}_{ENDED}.db" for kind in ("counter", "histogram")),
    }
    for _ in range(RELOADS - 1):
        write_worker(tmp_path, ended)
        remove_ended(tmp_path, ended)
    assert list_names(tmp_path) == files
    found = read(tmp_path)
    assert found["counter_x"] == found["histogram_x_bucket"] == RELOADS + 1
    assert found["gauge_liveall_x"] == 1


def test_an_unreadable_file_of_one_that_ended_is_removed(tmp_path: Path, ended: int) -> None:
    """Or it would stay for ever; what is counted already is untouched."""
    write(tmp_path, "counter", ended, counter_x=1)
    remove_ended(tmp_path, ended)
    (tmp_path / f"counter_{ended}.db").touch()
    (tmp_path / f"histogram_{ended}.db").write_bytes(b"\xff" * 50)
    remove_ended(tmp_path, ended)
    assert f"counter_{ended}.db" not in list_names(tmp_path)
    assert f"histogram_{ended}.db" not in list_names(tmp_path)
    assert read(tmp_path) == {"counter_x": 1}


def test_the_master_waits_for_nobody(tmp_path: Path, ended: int) -> None:
    """While somebody reads the counts stay where they are; the next end makes up for it."""
    write_worker(tmp_path, ended)
    with (tmp_path / LOCK).open("w") as reader:
        fcntl.flock(reader, fcntl.LOCK_SH)
        remove_ended(tmp_path, ended)
        assert f"counter_{ended}.db" in list_names(tmp_path)
    write(tmp_path, "counter", os.getpid(), counter_x=5)
    remove_ended(tmp_path, os.getpid())
    assert list_names(tmp_path) == {f"counter_{ENDED}.db", f"histogram_{ENDED}.db"}
    assert read(tmp_path)["counter_x"] == 6


def test_a_scrape_meets_every_count_once(tmp_path: Path, ended: int) -> None:
    """Also while counts move from file to file: the sum never falls, and never runs ahead."""
    folder, beside = tmp_path / "shared", tmp_path / "beside"
    folder.mkdir()
    beside.mkdir()
    write(folder, "counter", ALIVE, counter_x=0)
    seen: list[float] = []
    written, is_over = 0, threading.Event()
    ahead: list[float] = []

    def scrape() -> None:
        while not is_over.is_set():
            seen.append(read(folder)["counter_x"])
            if seen[-1] > written:
                ahead.append(seen[-1])

    reader = threading.Thread(target=scrape)
    reader.start()
    while written < RELOADS:
        written += 1
        made = write(beside, "counter", ended, counter_x=1)
        made.rename(folder / made.name)
        while (folder / made.name).exists():
            remove_ended(folder, ended)
    is_over.set()
    reader.join()
    assert seen == sorted(seen)
    assert ahead == []
    assert read(folder)["counter_x"] == RELOADS
