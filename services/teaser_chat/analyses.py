"""The analysis in a session: made once, kept, and told step by step to who watches."""

import re
from collections.abc import Iterator

from services.conversation import analysis, interview
from services.conversation.analysis import NormResult
from services.errors import ConversationIncomplete
from services.norms.catalogue import DISCLAIMER, get_catalogue
from services.sessions import Session, Sessions
from services.teaser_chat.messages import Answer, conversation_in, timestamp

DATABASES = ("EU directives and regulations", "European and international standards")
"""What an analysis looks through, in words for the reader."""

_STEP = re.compile(r"[0-9]{1,5}")


class AnalysisRun:
    """One analysis as a sequence of numbered steps, so that a client can resume it.

    Args:
        conversations: the sessions that hold conversations.
        session: the conversation, complete.
        owner: who asked for it.
    """

    def __init__(self, conversations: Sessions, session: Session, owner: str | None) -> None:
        self._conversations = conversations
        self._session = session
        self._owner = owner
        # A message changes what is analysed, and with it what the numbers stand for.
        self._revision = len(session["history"])
        self._norms = len(get_catalogue().norms)
        self._last = self._norms + 4

    @property
    def last_event_id(self) -> str:
        """The id of the last step."""
        return f"{self._revision}-{self._last}"

    def events(self, after: str | None = None) -> Iterator[tuple[str, Answer]]:
        """The steps as `(id, data)`, in order, from the one after `after` on.

        An analysis that was done before is answered from the session, its checking in one step.
        """
        revision, _, number = (after or "").partition("-")
        known = revision == str(self._revision) and _STEP.fullmatch(number)
        seen = int(number) if known else 0
        if seen > self._last:  # of a release that had more norms
            seen = 0
        for at, data in self._steps():
            if at > seen:
                yield f"{self._revision}-{at}", data

    def _steps(self) -> Iterator[tuple[int, Answer]]:
        total = self._norms
        yield 1, {"phase": "summary", "status": "Summing up what is known of the product"}
        yield 2, {"phase": "databases", "status": f"Looking through {' and '.join(DATABASES)}"}
        results = None
        if self._session["analyzed"]:
            yield total + 2, _progress(total, total, "All norms were checked before")
        else:
            results = []
            for result in analysis.check_state(self._session["interview"]):
                results.append(result)
                done = len(results)
                yield done + 2, _progress(done, total, f"Checked {result.norm_name}")
        yield total + 3, {"phase": "finalizing", "status": "Putting the results in order"}
        session = self._keep(results)
        yield self._last, {"phase": "complete", **analysis_of(session)}

    def _keep(self, results: list[NormResult] | None) -> Session:
        """Store the results, unless they are there, or the facts changed while checking."""
        checked = self._session["interview"]

        def change(session: Session) -> bool:
            return analyze(session, results if session["interview"] == checked else None)

        return self._conversations.update(self._session.session_id, change, owner=self._owner)


def analyze(session: Session, results: list[NormResult] | None) -> bool:
    """Put an analysis into a session that has none; False when it has one already.

    Raises:
        ConversationIncomplete: the interview has open questions.
    """
    if conversation_in(session)["analyzed"]:
        return False
    if not session["complete"]:
        raise ConversationIncomplete(session.session_id)
    state = session["interview"]
    checked = results if results is not None else list(analysis.check_state(state))
    session["product_description"] = analysis.summarise(state)
    session["matched_norms"] = [result.as_dict() for result in analysis.select_matched(checked)]
    session["all_norm_results"] = [result.as_dict() for result in checked]
    session["analyzed"] = True
    session["analyzed_at"] = timestamp()
    return True


def drop_analysis(session: Session) -> None:
    """Take away an analysis whose facts were corrected; what was asked about it stays."""
    session["analyzed"] = False
    session["matched_norms"] = []
    session["all_norm_results"] = []


def facts_differ(before: interview.State, after: interview.State) -> bool:
    """Whether a turn changed anything that norms are checked against."""
    return interview.get_known_facts(before) != interview.get_known_facts(after)


def analysis_of(session: Session) -> Answer:
    """The results, as the plain analysis and the last step of a watched one give them."""
    return {
        "product_description": session["product_description"],
        "norms": session["matched_norms"],
        "total_norms": len(session["matched_norms"]),
        "all_norm_results": session["all_norm_results"],
        "disclaimer": DISCLAIMER,
    }


def _progress(done: int, total: int, status: str) -> Answer:
    return {"phase": "analyzing", "progress": done, "total": total, "status": status}
