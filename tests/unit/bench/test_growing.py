"""What fills a database for the benchmark is what a conversation leaves there."""

from __future__ import annotations

from pathlib import Path
from typing import List

from sqlalchemy import func, select

from bot.bench.growing import fill, lengthen, newest
from bot.store.database import Database
from bot.store.models import Conversation, StoredMessage, TrackerState


def test_stored_conversations_have_a_tracker_and_two_messages_and_the_newest_stays_the_clients(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'assistant.db'}")
    database.migrate()
    with database.transaction() as session:
        session.add(Conversation(id="the client's", channel="chat"))
    told: List[str] = []
    lengthen(database, newest(database), 10)
    fill(database, 30, told.append)
    assert newest(database) == "the client's"
    with database.transaction() as session:
        assert session.scalar(select(func.count()).select_from(TrackerState)) == 30
        assert session.scalar(select(func.count()).select_from(StoredMessage)) == 70
    assert told == ["30 of 30 conversations are stored"]
