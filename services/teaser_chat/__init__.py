"""The teaser chat: conversations in sessions, from the first message to questions."""

from services.conversation import interview
from services.teaser_chat.analyses import AnalysisRun
from services.teaser_chat.chat import TeaserChat
from services.teaser_chat.conversation_list import ConversationList
from services.teaser_chat.starts import Starts
from services.teaser_chat.turns import Limits
from services.teaser_chat.unified_chat import UnifiedChat

__all__ = [
    "AnalysisRun",
    "ConversationList",
    "Limits",
    "Starts",
    "TeaserChat",
    "UnifiedChat",
    "warm_up",
]


def warm_up() -> None:
    """Load catalogue and lexicon now instead of in the first request."""
    interview.begin("lamp")
