"""The same store on a real PostgreSQL server."""

from __future__ import annotations

import signal
import threading
from typing import Iterator, List

import pytest
from sqlalchemy import func, inspect, select, text

from bot.channels.turn import Incoming, Turns
from bot.dialogue.message import Message
from bot.store.database import Database, StoreError
from bot.store.models import Base, Conversation, StoredMessage, TrackerState
from bot.store.tracker_store import write_trackers
from tests.integration.servers import postgres_server

SERVERS = 4


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgres_server() as server:
        yield server.url


@pytest.fixture(scope="module")
def database(address: str) -> Database:
    """Migrated by several servers that start at once."""
    failed: List[BaseException] = []

    def start() -> None:
        try:
            Database(address).migrate()
        except BaseException as error:
            failed.append(error)

    starting = [threading.Thread(target=start) for _ in range(SERVERS)]
    for thread in starting:
        thread.start()
    for thread in starting:
        thread.join()
    assert failed == []
    return Database(address)


def test_servers_that_start_together_migrate_once(database: Database) -> None:
    assert set(Base.metadata.tables) <= set(inspect(database.engine).get_table_names())
    with database.reading() as session:
        assert session.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


async def test_a_turn_is_stored_in_order_and_found_again(database: Database) -> None:
    turns = Turns(database, None, None, lambda: Message("Hello.", "notice"))  # type: ignore[arg-type]
    await turns.open("one", "chat")
    replies = [Message(f"{number}", "answer", sources=("pain",)).as_dict() for number in range(5)]
    received, _ = turns._receive("one", Incoming(text="does it hurt"), "key")
    turns._finish(received, replies, {"one": "[]"})
    again, _ = turns._receive("one", Incoming(text="does it hurt"), "key")
    assert again.seq == received.seq
    assert [m.text for m in await turns.history("one")] == ["Hello.", "does it hurt", *"01234"]


def test_a_tracker_is_written_over(database: Database) -> None:
    for state in ("[1]", "[2]"):
        with database.transaction() as session:
            write_trackers(session, {"two": state})
    with database.reading() as session:
        assert session.get(TrackerState, "two").state == "[2]"


def test_only_what_confirms_waits_for_the_disk(database: Database) -> None:
    def waits(durable: bool) -> str:
        with database.transaction(durable=durable) as session:
            return str(session.execute(text("SHOW synchronous_commit")).scalar_one())

    assert (waits(True), waits(False), waits(True)) == ("on", "off", "on")


def test_a_refused_write_leaves_nothing_and_names_no_value(database: Database) -> None:
    with pytest.raises(StoreError) as refused, database.transaction() as session:
        session.add(Conversation(id="three", channel="chat"))
        session.add(StoredMessage(id="m", conversation_id="nobody", sender="client", text="my words"))
        session.flush()
    assert "my words" not in str(refused.value)
    with database.reading() as session:
        counted = select(func.count()).select_from(Conversation).where(Conversation.id == "three")
        assert session.execute(counted).scalar_one() == 0


def test_a_server_that_is_not_there_is_an_error_with_advice() -> None:
    with pytest.raises(StoreError, match="Check that the database server runs"):
        Database("postgresql://nobody:secret@127.0.0.1:9/none").check()


async def test_while_the_server_is_away_a_message_is_refused_and_none_that_was_confirmed_is_lost() -> None:
    with postgres_server() as server:
        database = Database(server.url)
        database.migrate()
        turns = Turns(database, None, None, lambda: Message("Hello.", "notice"))  # type: ignore[arg-type]
        await turns.open("one", "chat")
        received, _ = turns._receive("one", Incoming(text="before"), "first")
        # a message is confirmed by its reply: that commit waits for the disk
        turns._finish(received, [Message("Noted.", "notice").as_dict()], {"one": "[]"})
        server.stop(signal.SIGQUIT)
        with pytest.raises(StoreError, match="Check that the database server runs"):
            turns._receive("one", Incoming(text="amid"), "second")
        server.start()
        # the connections of before are dead: the next message must not pay for that
        turns._receive("one", Incoming(text="after"), "second")
        assert [m.text for m in await turns.history("one")] == ["Hello.", "before", "Noted.", "after"]
