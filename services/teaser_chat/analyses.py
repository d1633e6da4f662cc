"""The analysis in a session: run once, stored, and reported step by step."""

import re
from collections.abc import Iterator

from services.conversation import analysis, interview
from services.conversation.analysis import NormResult
from services.errors import ConversationIncomplete
from services.norms.catalogue import DISCLAIMER, get_catalogue
from services.sessions import Session, Sessions
from services.teaser_chat.messages import JsonObject, check_conversation
from services.teaser_chat.suggestions import store_suggestions
from services.timestamps import format_now

DATABASES = ("EU directives and regulations", "European and international standards")
"""What an analysis searches, in words for the reader."""

_STEP = re.compile(r"[0-9]{1,5}")


class AnalysisRun:
    """One analysis as a sequence of numbered steps, so that a client can resume it.

    Args:
        conversations: the sessions that hold conversations.
        session: the conversation, complete.
        owner: who requested it.
    """

    def __init__(self, conversations: Sessions, session: Session, owner: str | None) -> None:
        self._conversations = conversations
        self._session = session
        self._owner = owner
        # A message may change the facts, so step numbers are valid only for the same history.
        self._revision = len(session["history"])
        self._norms = len(get_catalogue().norms)
        self._last = self._norms + 4

    @property
    def last_event_id(self) -> str:
        """The id of the last step."""
        return f"{self._revision}-{self._last}"

    def run_steps(self, after: str | None = None) -> Iterator[tuple[str, JsonObject]]:
        """Run the analysis and yield its steps as `(id, data)`, beginning after the id `after`.

        An analysis that was done before is read from the session; its checking is one step.
        """
        revision, _, number = (after or "").partition("-")
        is_known = revision == str(self._revision) and _STEP.fullmatch(number)
        seen = int(number) if is_known else 0
        if seen > self._last:  # from a release that had more norms
            seen = 0
        for at, data in self._run_steps():
            if at > seen:
                yield f"{self._revision}-{at}", data

    def _run_steps(self) -> Iterator[tuple[int, JsonObject]]:
        total = self._norms
        yield 1, {"phase": "summary", "status": "Summing up what is known of the product"}
        yield 2, {"phase": "databases", "status": f"Looking through {' and '.join(DATABASES)}"}
        results = None
        if self._session["analyzed"]:
            yield total + 2, _build_progress(total, total, "All norms were checked before")
        else:
            results = []
            for result in analysis.check_state(self._session["interview"]):
                results.append(result)
                done = len(results)
                yield done + 2, _build_progress(done, total, f"Checked {result.norm_name}")
        yield total + 3, {"phase": "finalizing", "status": "Putting the results in order"}
        session = self._store_results(results)
        yield self._last, {"phase": "complete", **read_analysis(session)}

    def _store_results(self, results: list[NormResult] | None) -> Session:
        """Store the results, unless there are some already; if the facts changed, analyse again."""
        checked = self._session["interview"]

        def change(session: Session) -> bool:
            return analyze(session, results if session["interview"] == checked else None)

        return self._conversations.update(self._session.session_id, change, owner=self._owner)


def analyze(session: Session, results: list[NormResult] | None) -> bool:
    """Analyse a session that has no analysis; False when it has one already.

    Raises:
        ConversationIncomplete: the interview has open questions.
    """
    if check_conversation(session)["analyzed"]:
        return False
    if not session["complete"]:
        raise ConversationIncomplete(session.session_id)
    state = session["interview"]
    checked = results if results is not None else list(analysis.check_state(state))
    session["product_description"] = analysis.summarise(state)
    session["matched_norms"] = [result.as_dict() for result in analysis.select_matched(checked)]
    session["all_norm_results"] = [result.as_dict() for result in checked]
    session["analyzed"] = True
    session["analyzed_at"] = format_now()
    store_suggestions(session)
    return True


def drop_analysis(session: Session) -> None:
    """Remove an analysis whose facts were corrected; the questions about it stay."""
    session["analyzed"] = False
    session["matched_norms"] = []
    session["all_norm_results"] = []


def has_changed_facts(before: interview.State, after: interview.State) -> bool:
    """Whether a turn changed anything that norms are checked against."""
    return interview.get_known_facts(before) != interview.get_known_facts(after)


def read_analysis(session: Session) -> JsonObject:
    """The results, in the form of both the plain and the streamed analysis."""
    return {
        "product_description": session["product_description"],
        "norms": session["matched_norms"],
        "total_norms": len(session["matched_norms"]),
        "all_norm_results": session["all_norm_results"],
        "disclaimer": DISCLAIMER,
    }


def _build_progress(done: int, total: int, status: str) -> JsonObject:
    return {"phase": "analyzing", "progress": done, "total": total, "status": status}
