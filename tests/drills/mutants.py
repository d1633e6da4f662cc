"""Turn each mechanism off in a copy of the project and show that a drill notices.

Usage: `python -m tests.drills.mutants [names]`. The project itself is not changed.
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
"""How long each drill is under load here."""
DRILL_SECONDS = 180.0
"""How long a drill may take, with starts and verification."""


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mechanism turned off.

    Attributes:
        name: the mechanism.
        file: the file that implements it.
        find: a text that the file contains exactly once.
        replacement: the text that replaces it.
        drills: the drills that must notice.
    """

    name: str
    file: str
    find: str
    replacement: str
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
        "._replace(deleted=True)",
        "._replace(deleted=False)",
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
        "connections-after-a-failover",
        "services/sessions/stores/redis/connections.py",
        "one.reason in ELSEWHERE for one in answers):",
        "False for one in answers):",
        ("failover",),
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
        "        merged = _merge(keyspace, higher, lower)",
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
        "        return self.engine.get(key)",
        "        try:\n            return self.engine.get(key)\n"
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
"""The findings that kill a mutant; an error alone may have any cause."""
ATTEMPTS = 3
"""How often a drill is run before its mutant has survived: a race does not show in every run."""


def main() -> int:
    """Run the named mutants, or all of them, and print one line for each of their drills.

    Returns:
        1 when one survives, else 0.
    """
    parser = argparse.ArgumentParser(prog="python -m tests.drills.mutants", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="name", help="mutants to run; all by default")
    names = parser.parse_args().names
    by_name = {mutant.name: mutant for mutant in MUTANTS}
    if unknown := [name for name in names if name not in by_name]:
        parser.error(f"no such mutant: {', '.join(unknown)}; choose from {', '.join(by_name)}")
    is_killed = True
    for name in names or by_name:
        is_killed &= try_mutant(by_name[name])
    return 0 if is_killed else 1


def try_mutant(mutant: Mutant) -> bool:
    """Run a mutant's drills, one line each; answer whether all of them noticed it."""
    is_killed = True
    try:
        with copy_project(mutant) as project:
            for drill in mutant.drills:
                runs = (find_damage(project, drill) for _ in range(ATTEMPTS))
                damage = next(filter(None, runs), "")
                what = f"killed by drill={drill} {damage}" if damage else f"SURVIVED drill={drill}"
                print(f"mutant={mutant.name} {what}", flush=True)  # noqa: T201 - its output
                is_killed &= bool(damage)
    except (ValueError, RuntimeError, subprocess.TimeoutExpired) as error:
        print(f"mutant={mutant.name} NOT TRIED: {error}", flush=True)  # noqa: T201 - its output
        return False
    return is_killed


@contextmanager
def copy_project(mutant: Mutant) -> Iterator[Path]:
    """Copy the project, as git sees it, with this change.

    Raises:
        ValueError: the file does not contain the text exactly once.
    """
    with tempfile.TemporaryDirectory(prefix="teaser-mutant-") as folder:
        project = Path(folder)
        for name in _list_files():
            target = project / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target)
        file = project / mutant.file
        text = file.read_text(encoding="utf-8")
        if text.count(mutant.find) != 1:
            raise ValueError(
                f"mutant {mutant.name}: {mutant.file} contains {mutant.find!r}"
                f" {text.count(mutant.find)} times, not once"
            )
        file.write_text(text.replace(mutant.find, mutant.replacement), encoding="utf-8")
        yield project


def find_damage(project: Path, drill: str) -> str:
    """Run a drill in this copy and return the damage it counted, such as `lost=3`, or "".

    Raises:
        RuntimeError: the drill did not finish, which proves nothing.
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


def _list_files() -> list[str]:
    """List the project's files, including those that are not committed yet."""
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
