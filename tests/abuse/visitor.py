"""A visitor beside an attack: one conversation after the other, each answer timed.

`python -m tests.abuse.visitor URL SECONDS` prints `[[seconds, status], ...]` as JSON. It is a
process of its own, so that an attacker in Python does not slow it down.
"""

import json
import sys
import time

from tests.support.http import Http
from tests.support.talk import API

ADDRESS = "127.0.0.9"
TURNS = 8
PAUSE_SECONDS = 0.1
NO_ANSWER = 0
"""The status of a request that got no answer in time."""
PATIENCE_SECONDS = 20.0


def visit(url: str, seconds: float) -> list[tuple[float, int]]:
    """Talk for some seconds; return how long each answer took, and its status."""
    found: list[tuple[float, int]] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with Http(url, timeout=PATIENCE_SECONDS, source=ADDRESS) as http:
            session_id = ""
            for turn in range(TURNS):
                if time.monotonic() > deadline:
                    break
                begun = time.monotonic()
                try:
                    if not session_id:
                        answer = http.post(f"{API}/start", {"initial_input": "USB desk lamp"})
                        session_id = answer.body["session_id"] if answer.status == 200 else ""
                    elif turn % 2:
                        said = {"session_id": session_id, "message": "no radio"}
                        answer = http.post(f"{API}/respond", said)
                    else:
                        answer = http.get(f"{API}/session/{session_id}")
                    status = answer.status
                except OSError:
                    status = NO_ANSWER
                found.append((time.monotonic() - begun, status))
                time.sleep(PAUSE_SECONDS)
    return found


if __name__ == "__main__":
    print(json.dumps(visit(sys.argv[1], float(sys.argv[2]))))  # noqa: T201 - its output
