"""What a transaction may say it changed (`bot.store.database.touch`), for those who wait for it."""

from __future__ import annotations

# rows for the outbox's worker
OUTBOX = "outbox"
# anything that the list of cases shows
DESK = "desk"


def conversation(conversation_id: str) -> str:
    """New messages in one conversation."""
    return f"conversation:{conversation_id}"
