"""Turns each mechanism off in a copy of the project and shows that a drill notices.

`python -m tests.drills.mutants [names]`; the project itself is not touched.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.drills.journal import DAMAGE
from tests.support.servers import ROOT

SECONDS = "5"
"""How long the load of a drill lasts here."""
DRILL_SECONDS = 180.0
"""How long it may take with everything around."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mechanism turned off.

    Attributes:
        name: the mechanism.
        file: where it is.
        find: a text that is there exactly once.
        instead: what takes its place.
        drills: those that must notice.
    """

    name: str
    file: str
    find: str
    instead: str
    drills: tuple[str, ...]


MUTANTS = (
    Mutant(
        "compare-and-set-in-redis",
        "services/sessions/stores/redis/put.lua",
        "refused = stored ~= tonumber(ARGV[7])",
        "refused = stored == 0",
        ("usr2-live", "max-requests-complete"),
    ),
    Mutant(
        "compare-and-set-in-dict",
        "services/sessions/stores/memory.py",
        "if condition is Condition.UNCHANGED and stored != record.expected:",
        "if condition is Condition.UNCHANGED and not stored:",
        ("writers-off",),
    ),
    Mutant(
        "tombstones",
        "services/sessions/records.py",
        "return self._record(session, body, now, until)._replace(deleted=True)",
        "return self._record(session, body, now, until)._replace(deleted=False)",
        ("deletes-live",),
    ),
    Mutant(
        "put-if-newer",
        "services/sessions/stores/redis/put.lua",
        "  refused = stored >= version",
        "  refused = false",
        ("apart-dualwrite-shadow",),
    ),
    Mutant(
        "read-through-on-a-miss",
        "services/sessions/migration/strategies.py",
        "            return value if value is not None else self._copies.adopt(key)",
        "            return value",
        ("term-start-off",),
    ),
    Mutant(
        "drain",
        "services/sessions/migration/flusher.py",
        "        self._draining = True",
        "        self._draining = False",
        ("term-start-off",),
    ),
    Mutant(
        "overtaken-copies",
        "services/sessions/migration/strategies.py",
        "return copies.adopt(key) if is_newer(head, value) else value",
        "return value",
        ("apart-dualwrite-shadow",),
    ),
    Mutant(
        "message-ids",
        "services/teaser_chat/messages.py",
        'return bool(_find(session["history"], message_id)'
        ' or _find(session["qa_history"], message_id))',
        "return False",
        ("cohort",),
    ),
    Mutant(
        "spill",
        "services/sessions/outage/failover.py",
        "            return self._accept(record, condition)\n        # Another worker",
        "            raise\n        # Another worker",
        ("refused-complete",),
    ),
    Mutant(
        "merge-of-the-replay",
        "services/sessions/reconcile.py",
        "        merged = _merged(keyspace, higher, lower)",
        "        merged = None",
        ("hosts-apart",),
    ),
    Mutant(
        "breaker",
        "services/sessions/outage/breaker.py",
        "                if self._in_a_row >= FAILURES_IN_A_ROW or failures * 2 >= WINDOW:",
        "                if False:",
        ("frozen-complete", "rejected"),
    ),
    Mutant(
        "unavailable-is-not-missing",
        "services/sessions/outage/failover.py",
        "        return self._engine.get(key)",
        "        try:\n            return self._engine.get(key)\n"
        "        except StoreUnavailable:\n            return None",
        ("refused-complete",),
    ),
    Mutant(
        "the-very-base-in-the-spill",
        "services/sessions/outage/spill.py",
        "is_base = codec.join(stored.version, stored.body) == record.base",
        "is_base = stored.version == record.expected",
        ("twenty-writers-flapping",),
    ),
    Mutant(
        "conditional-removal-from-the-spill",
        "services/sessions/stores/sql/statements.py",
        "FORGET = sa.delete(sessions).where(_named, _is_it)",
        "FORGET = sa.delete(sessions).where(_named)",
        ("twenty-writers-refused",),
    ),
)
COUNTED = (*DAMAGE, "starts_refused", "slow", "storm")
"""What a drill may notice a mutant by; an error alone may be of any cause."""


def main() -> int:
    """Run the mutants that are named, or all; one line for each of their drills.

    Returns:
        1 when one survives, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.drills.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="all of them when none is given")
    names = parser.parse_args().names
    by_name = {mutant.name: mutant for mutant in MUTANTS}
    if unknown := [name for name in names if name not in by_name]:
        parser.error(f"no such mutant: {', '.join(unknown)}; there are {', '.join(by_name)}")
    killed = True
    for name in names or by_name:
        killed &= try_out(by_name[name])
    return 0 if killed else 1


def try_out(mutant: Mutant) -> bool:
    """Run a mutant's drills, one line each; whether all of them noticed it."""
    killed = True
    try:
        with project_with(mutant) as project:
            for drill in mutant.drills:
                seen = noticed(project, drill)
                what = f"killed by drill={drill} {seen}" if seen else f"SURVIVED drill={drill}"
                print(f"mutant={mutant.name} {what}", flush=True)  # noqa: T201 - its output
                killed &= bool(seen)
    except (ValueError, RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"mutant={mutant.name} NOT TRIED: {error}", flush=True)  # noqa: T201 - its output
        return False
    return killed


@contextmanager
def project_with(mutant: Mutant) -> Iterator[Path]:
    """A copy of the project, as git sees it, with this change.

    Raises:
        ValueError: the text to be changed is not there exactly once.
    """
    with tempfile.TemporaryDirectory(prefix="teaser-mutant-") as folder:
        project = Path(folder)
        for name in _files():
            target = project / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        file = project / mutant.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutant.find) != 1:
            raise ValueError(
                f"mutant {mutant.name}: {mutant.find!r} is {text.count(mutant.find)} times"
                f" in {mutant.file}, not once"
            )
        file.write_text(text.replace(mutant.find, mutant.instead), encoding="utf-8")
        yield project


def noticed(project: Path, drill: str) -> str:
    """The damage a drill counted in this copy, such as `lost=3`; empty when there was none.

    Raises:
        RuntimeError: the drill did not come to its end, which proves nothing.
    """
    done = subprocess.run(
        [sys.executable, "-m", "tests.drills", drill, "--seconds", SECONDS],
        cwd=project,
        capture_output=True,
        text=True,
        timeout=DRILL_SECONDS,
        check=False,
    )
    if not re.search(rf"^drill={re.escape(drill)} acknowledged=[1-9]", done.stdout, re.MULTILINE):
        raise RuntimeError(f"{drill} did not run:\n{done.stdout}{done.stderr}")
    counts = re.findall(rf"\b(?:{'|'.join(COUNTED)})=[1-9][0-9]*", done.stdout)
    return " ".join(counts)


def _files() -> list[str]:
    """The project's files, also those that are not committed yet."""
    listing = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    names = [name for name in listing.stdout.split("\0") if name]
    return [name for name in names if (ROOT / name).is_file()]


if __name__ == "__main__":
    sys.exit(main())
