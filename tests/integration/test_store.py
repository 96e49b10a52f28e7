"""Cases and transactions on real SQLite."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from bot.escalation import add_reason, expected_answer, list_cases, open_case_of
from bot.store.database import Database, StoreError
from bot.store.models import Base, Conversation
from bot.store.secrets import shared_secret


@pytest.fixture
def database(tmp_path: Path) -> Database:
    made = Database(f"sqlite:///{tmp_path / 'a.db'}")
    made.migrate()
    with made.transaction() as session:
        session.add_all([Conversation(id=name, channel="chat") for name in ("c", "d")])
    return made


def test_the_migrations_make_exactly_the_models(database: Database) -> None:
    with database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_name": lambda name, kind, _: name != "sqlite_sequence"}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_migrating_twice_changes_nothing(database: Database) -> None:
    database.migrate()
    database.check()


def test_a_conversation_has_one_open_case_that_gathers_reasons(database: Database) -> None:
    with database.transaction() as session:
        first = add_reason(session, "c", "question", "how much is it?")
        second = add_reason(session, "c", "human", "a person please")
        assert first.number == second.number
        assert [reason.reason for reason in second.reasons] == ["question", "human"]


def test_the_same_words_for_the_same_reason_are_kept_once(database: Database) -> None:
    with database.transaction() as session:
        add_reason(session, "c", "human", "a person please")
        assert len(add_reason(session, "c", "human", "a person please").reasons) == 1


def test_a_graver_reason_raises_the_priority_and_a_lesser_one_does_not_lower_it(database: Database) -> None:
    with database.transaction() as session:
        assert add_reason(session, "c", "question", "q").priority == "question"
        assert add_reason(session, "c", "emergency", "e").priority == "urgent"
        assert add_reason(session, "c", "review", "r").priority == "urgent"


def test_urgent_cases_come_first(database: Database) -> None:
    with database.transaction() as session:
        add_reason(session, "c", "question", "q")
        add_reason(session, "d", "emergency", "e")
    with database.reading() as session:
        assert [case.priority for case in list_cases(session)] == ["urgent", "question"]


def test_what_fails_in_the_middle_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.transaction() as session:
        add_reason(session, "c", "human", "words")
        raise RuntimeError
    with database.reading() as session:
        assert open_case_of(session, "c") is None


def test_case_numbers_start_above_a_thousand_and_are_never_used_again(database: Database) -> None:
    with database.transaction() as session:
        first = add_reason(session, "c", "human", "words")
        assert first.number > 1000
        session.delete(first)
    with database.transaction() as session:
        assert add_reason(session, "c", "human", "words").number == first.number + 1


def test_a_shared_key_is_made_once(database: Database) -> None:
    assert shared_secret(database, "k") == shared_secret(database, "k")
    assert shared_secret(database, "k") != shared_secret(database, "other")


def test_a_database_error_says_what_to_do_and_holds_no_values(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(StoreError, match="VAR_DIR"):
        empty.check()


@pytest.mark.parametrize(
    ("now", "when"),
    [
        ("2026-11-23T08:59", "today from 09:00"),
        ("2026-11-23T09:00", "today before 17:00"),
        ("2026-11-23T16:59", "today before 17:00"),
        ("2026-11-23T17:00", "tomorrow from 09:00"),
        ("2026-11-27T18:00", "on Monday from 09:00"),
        ("2026-11-28T12:00", "on Monday from 09:00"),
    ],
)
def test_an_answer_is_expected_in_the_practices_hours(now: str, when: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=timezone.utc)
    assert expected_answer("Mo-Fr 09:00-17:00", "Europe/London", moment) == when


def test_the_practices_zone_counts_and_not_the_servers() -> None:
    moment = datetime(2026, 11, 23, 13, 0, tzinfo=timezone.utc)
    assert expected_answer("Mo-Fr 09:00-17:00", "America/New_York", moment) == "today from 09:00"


def test_hours_that_never_close_or_never_open_still_say_something() -> None:
    moment = datetime(2026, 11, 23, 13, 0, tzinfo=timezone.utc)
    assert expected_answer("24/7", "Europe/London", moment) == "today"
    assert expected_answer("off", "Europe/London", moment) == "as soon as the practice can"


def test_all_who_ask_for_a_database_of_one_address_in_a_process_share_it(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'shared.db'}"
    assert Database.shared(address) is Database.shared(address)
    assert Database.shared(address) is not Database.shared(f"sqlite:///{tmp_path / 'other.db'}")
