"""The figures, on real SQLite."""

from __future__ import annotations

import csv
import io
from datetime import datetime, timedelta, timezone

import pytest
from sqlalchemy import text

from bot.desk import insights
from bot.desk.insights import Period, Table
from bot.store.database import Database
from bot.store.models import Case, Conversation, DecisionRecord, StoredMessage

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
TODAY = NOW.replace(tzinfo=None)


def period(days: int = 30, zone: str = "Europe/London", now: datetime = NOW) -> Period:
    return Period(days, now, zone)


@pytest.fixture
def filled(database: Database) -> Database:
    with database.transaction() as session:
        session.add_all([Conversation(id=f"c{n}", channel="chat", created_at=TODAY) for n in range(4)])
        session.flush()

        def message(
            number: int, sender: str, at: datetime, kind: str = "notice", sources: tuple[str, ...] = ()
        ) -> None:
            session.add(
                StoredMessage(
                    id=f"m{number}",
                    conversation_id="c0",
                    sender=sender,
                    at=at,
                    text="words",
                    kind=kind,
                    sources=list(sources),
                    buttons=[],
                )
            )

        message(1, "client", TODAY)
        message(2, "assistant", TODAY, "answer", ("pain",))
        message(3, "assistant", TODAY - timedelta(days=1), "answer", ("pain", "bruising"))
        message(4, "therapist", TODAY - timedelta(days=1), "answer")
        message(5, "assistant", TODAY, "condition", ("modified",))
        message(6, "client", TODAY - timedelta(days=31))
        for number, minutes in enumerate((10, 15, 90, None)):
            session.add(
                Case(
                    conversation_id=f"c{number}",
                    priority="urgent" if number == 0 else "question",
                    opened_at=TODAY,
                    first_reply_at=TODAY + timedelta(minutes=minutes) if minutes else None,
                )
            )
        for number, outcome in enumerate(("eligible", "eligible", "review")):
            session.add(
                DecisionRecord(
                    id=f"d{number}",
                    outcome=outcome,
                    unanswered=[],
                    rules_fired=[],
                    rules_version="1",
                    notes=[],
                    message="",
                    decided_at=TODAY,
                )
            )
    return database


def test_messages_are_counted_by_day_and_by_who_wrote_them(filled: Database) -> None:
    with filled.reading() as session:
        table = insights.messages(session, period())
    assert table.columns == ("Day", "Client", "Assistant", "You")
    assert len(table.rows) == 30
    assert table.rows[-1] == ("23 Nov", 1, 2, 0)
    assert table.rows[-2] == ("22 Nov", 0, 1, 1)


def test_a_longer_time_is_told_by_the_week_from_monday(filled: Database) -> None:
    with filled.reading() as session:
        table = insights.messages(session, period(90))
    assert table.columns[0] == "Week from"
    assert table.rows[-1] == ("23 Nov", 1, 2, 0)
    assert table.rows[-2] == ("16 Nov", 0, 1, 1)
    assert sum(row[1] for row in table.rows) == 2


def test_a_day_is_the_practices_and_not_the_databases() -> None:
    # 23:30 in UTC is tomorrow in Berlin
    late = datetime(2026, 11, 22, 23, 30)
    days = {day.isoformat(): (start, end) for day, start, end in period(zone="Europe/Berlin").buckets()}
    start, end = days["2026-11-23"]
    assert start <= late < end


def test_the_day_on_which_the_clocks_go_back_has_25_hours() -> None:
    lengths = {
        str(day): end - start
        for day, start, end in period(now=datetime(2026, 10, 26, 12, tzinfo=timezone.utc)).buckets()
    }
    assert lengths["2026-10-25"] == timedelta(hours=25)
    assert lengths["2026-10-26"] == timedelta(hours=24)


def test_cases_are_counted_by_how_urgent_they_are(filled: Database) -> None:
    with filled.reading() as session:
        assert insights.cases(session, period()).rows[-1] == ("23 Nov", 1, 0, 3)


def test_passages_count_answers_only_and_each_passage_of_an_answer(filled: Database) -> None:
    with filled.reading() as session:
        table = insights.passages(session, period(), {"pain": "discomfort"})
    assert table.rows == (("discomfort", 2), ("bruising", 1))


def test_outcomes_are_counted_in_words(filled: Database) -> None:
    with filled.reading() as session:
        rows = dict(insights.outcomes(session, period()).rows)
    assert rows["May book"] == 2
    assert rows["Needs your eye"] == 1
    assert rows["Urgent"] == 0


def test_answer_times_fall_into_bands_and_the_edge_belongs_below(filled: Database) -> None:
    with filled.reading() as session:
        rows = dict(insights.answers(session, period()).rows)
    assert rows == {
        "up to 15 min": 2,
        "up to 1 h": 0,
        "up to 4 h": 1,
        "up to 1 day": 0,
        "longer": 0,
        "not answered yet": 1,
    }


def test_the_headlines_tell_the_median_answer(filled: Database) -> None:
    with filled.reading() as session:
        told = insights.headlines(session, period())
    assert (told.conversations, told.messages, told.cases, told.answer) == (4, 1, 4, "15 min")


def test_an_empty_database_gives_empty_figures(database: Database) -> None:
    with database.reading() as session:
        assert all(table.empty or table.name == "answers" for table in insights.tables(session, period(), {}))
        assert insights.headlines(session, period()).answer == "none yet"


def test_a_cell_that_a_spreadsheet_would_run_is_text_in_the_file() -> None:
    written = insights.as_csv(("Asked", "Times"), [("=HYPERLINK(1)", 2), ("@x", 1), ('say "no", please', -3)])
    assert list(csv.reader(io.StringIO(written))) == [
        ["Asked", "Times"],
        ["'=HYPERLINK(1)", "2"],
        ["'@x", "1"],
        ['say "no", please', "-3"],
    ]


def test_a_chart_is_told_in_words_too() -> None:
    assert Table("o", "Outcomes", ("Outcome", "Decisions"), (("May book", 2),)).in_words() == "Outcomes: May book 2."
    over_time = Table("m", "Messages", ("Day", "Client", "You"), (("1 Nov", 2, 1), ("2 Nov", 3, 0)))
    assert over_time.in_words() == "Messages by the day: Client 5, You 1 in all."


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (
            "SELECT count(*), sum(sender = 'client') FROM messages WHERE at >= :a AND at < :b",
            "COVERING INDEX messages_by_time",
        ),
        (
            "SELECT count(*), sum(priority = 'urgent') FROM cases WHERE opened_at >= :a AND opened_at < :b",
            "COVERING INDEX cases_by_time",
        ),
    ],
)
def test_counting_reads_an_index_and_no_text(database: Database, query: str, index: str) -> None:
    with database.reading() as session:
        plan = session.execute(text(f"EXPLAIN QUERY PLAN {query}"), {"a": TODAY, "b": TODAY}).all()
    assert index in plan[0][3]


def test_the_figures_themselves_never_walk_through_all_messages(database: Database) -> None:
    asked: list[tuple[str, object]] = []
    from sqlalchemy import event

    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        asked.append((statement, parameters))

    from bot.desk.questions import unanswered

    event.listen(database.engine, "before_cursor_execute", note)
    with database.reading() as session:
        insights.headlines(session, period(365))
        insights.tables(session, period(365), {})
        unanswered(session, period(365).start)
    event.remove(database.engine, "before_cursor_execute", note)
    with database.engine.connect() as connection:
        for statement, parameters in asked:
            if "messages" in statement:
                plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
                assert not [step for step in plan if "SCAN" in step[3]], statement
    assert any("messages" in statement for statement, _ in asked)
