"""The teaser chat's use cases: a conversation in a session, from the first words to questions."""

from services.teaser_chat.analyses import AnalysisRun
from services.teaser_chat.chat import TeaserChat

__all__ = ["AnalysisRun", "TeaserChat"]
