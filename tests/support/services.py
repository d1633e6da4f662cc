"""The application's services over the store that a test chose, put together as in app.py."""

from services.contexts import Contexts, Tenants
from services.keyspaces import CONTEXTS, STARTS, STATES, TEASER_CHAT, TENANTS
from services.saved_state import SavedStates
from services.sessions import Sessions, sessions_of
from services.teaser_chat import ConversationList, Limits, Starts, TeaserChat, UnifiedChat


def open_tenants() -> Tenants:
    """What is set for each tenant."""
    return Tenants(sessions_of(TENANTS))


def open_contexts() -> Contexts:
    """The contexts of all tenants."""
    return Contexts(sessions_of(CONTEXTS), open_tenants())


def open_saved_states() -> SavedStates:
    """The saved states."""
    return SavedStates(sessions_of(STATES))


def open_teaser_chat() -> TeaserChat:
    """The teaser chat."""
    return TeaserChat(*_conversations(), Limits())


def open_unified_chat() -> UnifiedChat:
    """The one-endpoint chat."""
    return UnifiedChat(*_conversations(), Limits())


def open_conversation_list() -> ConversationList:
    """The lists of conversations."""
    return ConversationList(*_conversations())


def _conversations() -> tuple[Sessions, Starts]:
    conversations = sessions_of(TEASER_CHAT)
    return conversations, Starts(conversations, sessions_of(STARTS))
