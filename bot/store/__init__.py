"""The database: models, migrations, transactions and Rasa's tracker store.

State of the product is here and nowhere else. This package knows how things
are kept; it must not know why (no rules, no texts, no channels).
"""

from bot.store.database import Database, StoreError
from bot.store.models import (
    AuditEntry,
    Case,
    CaseReason,
    Checkin,
    Conversation,
    DecisionRecord,
    FindingRecord,
    Offer,
    OutboxRow,
    Screen,
    Secret,
    StoredMessage,
    TrackerState,
)

__all__ = [
    "AuditEntry",
    "Case",
    "CaseReason",
    "Checkin",
    "Conversation",
    "Database",
    "DecisionRecord",
    "FindingRecord",
    "Offer",
    "OutboxRow",
    "Screen",
    "Secret",
    "StoreError",
    "StoredMessage",
    "TrackerState",
]
