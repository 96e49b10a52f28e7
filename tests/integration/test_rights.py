"""A copy of everything, everything gone, and what is too old: on real SQLite, down to the bytes."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Callable, Dict, List

import httpx
import pytest
import sqlalchemy
from sqlalchemy import select

from bot import rights
from bot.dialogue.message import Message
from bot.dialogue.transcript import add_messages
from bot.escalation import add_reason, audit
from bot.store.database import Database
from bot.store.models import AuditEntry, Base, Case, Conversation, OutboxRow, StoredMessage, TrackerState, utcnow

WORDS = "my zebrafinch takes warfarin"
DAYS = 30


def belongs(table: Any) -> bool:
    """Whether a table hangs on conversations, through however many others."""
    return (
        table.name == "conversations"
        or "conversation_id" in table.c
        or any(belongs(key.column.table) for key in table.foreign_keys)
    )


PERSONAL = [table for table in Base.metadata.sorted_tables if belongs(table)]


def fill(database: Database, conversation_id: str) -> None:
    """One row in every table that hangs on conversations, whatever its columns."""
    made: Dict[str, Dict[str, Any]] = {}
    with database.engine.begin() as connection:
        for table in PERSONAL:
            row = {}
            for column in table.columns:
                if column.foreign_keys:
                    parent = next(iter(column.foreign_keys)).column
                    row[column.name] = made[parent.table.name][parent.name]
                elif column.name == "conversation_id" or (table.name == "conversations" and column.name == "id"):
                    row[column.name] = conversation_id
                else:
                    row[column.name] = dummy(column)
            if "status" in row:
                row["status"] = "closed"
            connection.execute(table.insert().values(row))
            made[table.name] = row


def dummy(column: Any) -> Any:
    kinds: Dict[type, Any] = {
        sqlalchemy.Boolean: True,
        sqlalchemy.Integer: 7001,
        sqlalchemy.DateTime: datetime(2026, 1, 1),
        sqlalchemy.Date: date(2026, 1, 1),
        sqlalchemy.JSON: [WORDS],
    }
    found = next((value for kind, value in kinds.items() if isinstance(column.type, kind)), None)
    if found is not None:
        return found
    return WORDS[: column.type.length] if isinstance(column.type, sqlalchemy.Text) else "x"


def counts(database: Database) -> Dict[str, int]:
    with database.reading() as session:
        return {
            table.name: session.execute(select(sqlalchemy.func.count()).select_from(table)).scalar_one()
            for table in PERSONAL
        }


def log(database: Database) -> List[AuditEntry]:
    with database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))


def test_forgetting_leaves_no_row_in_any_table(database: Database) -> None:
    fill(database, "c")
    assert set(counts(database).values()) == {1}, "a table that the test does not fill proves nothing"
    with database.transaction() as session:
        assert rights.forget(session, "c", audit.CLIENT)
    assert set(counts(database).values()) == {0}


def test_what_stays_is_who_did_what_to_which_case_and_no_name(database: Database) -> None:
    fill(database, "c")
    with database.transaction() as session:
        rights.forget(session, "c", audit.CLIENT)
    (entry,) = log(database)
    assert (entry.action, entry.by, entry.case_number) == ("deleted", "client", 7001)


def test_forgetting_takes_the_bytes_out_of_the_files(database: Database, tmp_path: Path) -> None:
    fill(database, "c")
    database.scrub()
    assert any(WORDS.encode() in file.read_bytes() for file in tmp_path.iterdir())
    with database.transaction() as session:
        rights.forget(session, "c", audit.CLIENT)
    database.scrub()
    assert not any(WORDS.encode() in file.read_bytes() for file in tmp_path.iterdir())


def test_another_conversation_is_not_touched(database: Database) -> None:
    with database.transaction() as session:
        session.add_all([Conversation(id=name, channel="chat") for name in "cd"])
        session.add_all([TrackerState(conversation_id=name, state="{}") for name in "cd"])
        add_reason(session, "d", "human", "words")
        rights.forget(session, "c", audit.CLIENT)
    with database.reading() as session:
        assert session.get(TrackerState, "d") is not None
        assert session.scalars(select(Case)).one().conversation_id == "d"


def test_forgetting_twice_or_nothing_is_no_error(database: Database) -> None:
    with database.transaction() as session:
        assert not rights.forget(session, "nobody", audit.CLIENT)
    assert log(database) == []


def test_the_therapist_learns_that_an_open_case_was_deleted(database: Database) -> None:
    with database.transaction() as session:
        session.add(Conversation(id="c", channel="chat"))
        session.flush()
        number = add_reason(session, "c", "human", "words").number
    with database.transaction() as session:
        rights.forget(session, "c", audit.CLIENT)
    with database.reading() as session:
        left = list(session.scalars(select(OutboxRow)))
    assert {(row.kind, row.payload["event"], row.payload["case"]) for row in left} == {
        ("email", "deleted", number),
        ("telegram_notice", "deleted", number),
    }


def test_a_copy_holds_every_table_that_is_about_the_client(database: Database) -> None:
    fill(database, "c")
    with database.transaction() as session:
        copy = json.loads(json.dumps(rights.export(session, "c", audit.CLIENT)))
    direct = {table.name for table in PERSONAL if "conversation_id" in table.c} - {"offers"}
    assert direct <= set(copy)
    assert copy["messages"][0]["text"] == WORDS
    assert copy["decisions"][0]["findings"][0]["evidence"] == WORDS
    assert copy["cases"][0]["reasons"][0]["words"] == WORDS
    assert [entry.action for entry in log(database)] == ["exported"]


@pytest.mark.parametrize("name", ["C-1", "C-99999999999", "c-x", "nobody", ""])
def test_a_name_that_nothing_is_kept_under_is_said_to_be_so(database: Database, name: str) -> None:
    with pytest.raises(rights.RightsError, match="C-1042"), database.reading() as session:
        rights.conversation_named(session, name)


def test_a_case_names_its_conversation(database: Database) -> None:
    fill(database, "c")
    with database.reading() as session:
        assert rights.conversation_named(session, "C-7001") == "c"
        assert rights.conversation_named(session, "c") == "c"


def talked(database: Database, name: str, days_ago: int, case: str = "") -> None:
    at = utcnow() - timedelta(days=days_ago)
    with database.transaction() as session:
        session.add(Conversation(id=name, channel="chat", created_at=at - timedelta(days=1)))
        session.flush()
        add_messages(session, name, [Message("Hello", "notice").as_dict()])[0].at = at
        if case:
            add_reason(session, name, "human", "words").status = case


def left(database: Database) -> List[str]:
    with database.reading() as session:
        return sorted(session.scalars(select(Conversation.id)))


def test_only_what_has_rested_for_the_whole_period_is_purged(database: Database) -> None:
    talked(database, "old", DAYS + 1)
    talked(database, "recent", DAYS - 1)
    assert rights.purge(database, DAYS) == 1
    assert left(database) == ["recent"]
    assert [entry.action for entry in log(database)] == ["purged"]


def test_nobody_who_waits_is_purged(database: Database) -> None:
    talked(database, "open", DAYS * 5, case="open")
    talked(database, "closed", DAYS * 5, case="closed")
    rights.purge(database, DAYS)
    assert left(database) == ["open"]


def test_more_than_one_batch_is_purged(database: Database) -> None:
    for number in range(rights.PURGED_AT_ONCE + 1):
        talked(database, f"c{number}", DAYS + 1)
    assert rights.purge(database, DAYS) == rights.PURGED_AT_ONCE + 1
    assert left(database) == []


def test_a_ticket_opens_one_copy_for_a_while_and_another_key_makes_none() -> None:
    tickets = rights.ExportTickets("a key that is long enough to sign")
    now = utcnow().replace(tzinfo=timezone.utc)
    assert tickets.check(tickets.issue("c", now)) == "c"
    assert tickets.check(tickets.issue("c", now - timedelta(hours=1))) is None
    assert tickets.check(rights.ExportTickets("another key that is long enough").issue("c", now)) is None
    assert tickets.check("nonsense") is None


async def test_a_client_deletes_the_conversation_over_http_and_may_repeat_it(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        with server.service.database.transaction() as session:
            session.add(Conversation(id="c", channel="chat"))
            session.flush()
            add_messages(session, "c", [Message("Hello", "notice").as_dict()])
        async with httpx.AsyncClient(base_url=server.url, headers=server.headers("c")) as client:
            copy = await client.get("/chat/export")
            assert copy.headers["content-disposition"].startswith("attachment")
            assert copy.json()["messages"][0]["text"] == "Hello"
            for _ in range(2):
                assert (await client.delete("/chat/session")).status_code == 204
            assert (await client.get("/chat/history")).status_code == 404
            assert (await client.get("/chat/export")).status_code == 404
        with server.service.database.reading() as session:
            assert list(session.scalars(select(StoredMessage))) == []


async def test_a_ticket_in_the_address_opens_the_copy_without_a_header(serving: Callable[[], Any]) -> None:
    async with serving() as server:
        with server.service.database.transaction() as session:
            session.add(Conversation(id="c", channel="telegram"))
        ticket = server.service.tickets.issue("c", utcnow().replace(tzinfo=timezone.utc))
        async with httpx.AsyncClient(base_url=server.url) as client:
            assert (await client.get("/chat/export", params={"ticket": ticket})).json()["channel"] == "telegram"
            refused = await client.get("/chat/export", params={"ticket": ticket[:-3]})
            assert refused.status_code == 401
            assert (await client.get("/chat/export")).status_code == 401
