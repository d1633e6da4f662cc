"""The teaser chat's use cases: a conversation in a session, from the first words to questions."""

from services.conversation import interview
from services.teaser_chat.analyses import AnalysisRun
from services.teaser_chat.chat import TeaserChat
from services.teaser_chat.histories import Histories
from services.teaser_chat.one_door import OneDoor

__all__ = ["AnalysisRun", "Histories", "OneDoor", "TeaserChat", "warm_up"]


def warm_up() -> None:
    """Load catalogue and lexicon now rather than in somebody's first request."""
    interview.begin("lamp")
