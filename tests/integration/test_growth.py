"""A turn costs the same however long its conversation and however many others are stored."""

from __future__ import annotations

import re
from typing import Any, List, Tuple

import pytest
from sqlalchemy import event

from bot.bench.growing import fill, lengthen
from bot.channels.turn import Incoming, Turns
from bot.dialogue.message import Message
from bot.store.database import Database
from bot.store.models import Conversation, TrackerState

EARLIER = 10_000
OTHERS = 2_000
REPLY = Message("Yes, some discomfort is normal.", "answer", sources=("pain",)).as_dict()

Statement = Tuple[str, Any]


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    """One long conversation among many, and one that has just begun."""
    made = Database(f"sqlite:///{tmp_path_factory.mktemp('growth') / 'assistant.db'}")
    made.migrate()
    with made.transaction() as session:
        for name in ("long", "new"):
            session.add(Conversation(id=name, channel="chat"))
            session.add(TrackerState(conversation_id=name, state="[]"))
    lengthen(made, "long", EARLIER)
    fill(made, OTHERS, lambda _told: None)
    return made


def turn(database: Database, conversation_id: str) -> List[Statement]:
    """Take a turn; returns the statements that the database was sent."""
    sent: List[Statement] = []

    def note(_connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        sent.append((statement, parameters[0] if many else parameters))

    turns = Turns(database, None, None, lambda: Message("Hello.", "notice"))  # type: ignore[arg-type]
    event.listen(database.engine, "before_cursor_execute", note)
    try:
        key = f"key-{conversation_id}"
        received, _ = turns._receive(conversation_id, Incoming(text="does it hurt"), key)
        turns._finish(received, [REPLY], {conversation_id: "[]"})
        # the same request again finds its answer
        again, _ = turns._receive(conversation_id, Incoming(text="does it hurt"), key)
        assert len(turns._replies(again.seq)) == 1
    finally:
        event.remove(database.engine, "before_cursor_execute", note)
    return [(s, p) for s, p in sent if re.match("SELECT|INSERT|UPDATE|DELETE", s)]


def test_a_turn_sends_the_same_statements_after_ten_thousand_messages(database: Database) -> None:
    assert [s for s, _ in turn(database, "long")] == [s for s, _ in turn(database, "new")]


def test_no_statement_of_a_turn_reads_a_whole_table(database: Database) -> None:
    statements = turn(database, "stored-000000007")
    assert any("messages" in statement for statement, _ in statements)
    with database.engine.connect() as connection:
        for statement, parameters in statements:
            plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            scans = [row[-1] for row in plan if re.match(r"SCAN (?!CONSTANT)", row[-1])]
            assert not scans, f"{scans} in: {statement}"
