"""The figures of the desk: counted by the database, told as tables that pages, charts and CSV files share.

Counts only; the words of clients are `bot.desk.questions`'. Days are the
practice's. A year of a busy practice must be counted in well under a second:
the messages are counted on an index that holds all that is asked of them.
"""

from __future__ import annotations

import csv
import io
import json
import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Text, case, cast, func, select
from sqlalchemy.orm import Session

from bot.desk.words import OUTCOMES, PRIORITIES, SENDERS, length
from bot.store.models import Case, Conversation, DecisionRecord, StoredMessage

PERIODS = {"30": "The last 30 days", "90": "The last 90 days", "365": "The last year"}
# longer periods are told by the week
DAYS_BY_DAY = 31
TOP_PASSAGES = 10
# how soon the first answer came: up to so much
BANDS = (
    (timedelta(minutes=15), "up to 15 min"),
    (timedelta(hours=1), "up to 1 h"),
    (timedelta(hours=4), "up to 4 h"),
    (timedelta(days=1), "up to 1 day"),
    (timedelta.max, "longer"),
)
# a spreadsheet takes a cell that begins so for a formula
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Cell = str | int


@dataclass(frozen=True)
class Table:
    """One figure as a table. The first column names the row, the others count."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show."""
        return not any(cell for row in self.rows for cell in row[1:])

    def in_words(self) -> str:
        """What a chart of it shows, for those who do not see it."""
        totals = [f"{title} {sum(numbers):,}" for title, numbers in self.series()]
        if len(self.columns) > 2:
            return f"{self.title} by the {self.columns[0].split()[0].lower()}: {', '.join(totals)} in all."
        return f"{self.title}: {', '.join(f'{row[0]} {row[1]}' for row in self.rows)}."

    def series(self) -> tuple[tuple[str, tuple[int, ...]], ...]:
        """The counting columns: name and numbers."""
        return tuple(
            (title, tuple(int(row[place]) for row in self.rows)) for place, title in enumerate(self.columns[1:], 1)
        )

    def labels(self) -> tuple[str, ...]:
        """The first column."""
        return tuple(str(row[0]) for row in self.rows)


@dataclass(frozen=True)
class Headlines:
    """The few numbers on top. `answer` is the median time to the first answer, in words."""

    conversations: int
    messages: int
    cases: int
    answer: str


class Period:
    """The last so many days of the practice, up to now.

    Args:
        now: with a zone.
        zone: the practice's IANA time zone.
    """

    def __init__(self, days: int, now: datetime, zone: str) -> None:
        self.zone = ZoneInfo(zone)
        self.today = now.astimezone(self.zone).date()
        self._first = self.today - timedelta(days=days - 1)
        self._by_day = days <= DAYS_BY_DAY
        if not self._by_day:
            # whole weeks, so that the first column is not shorter than the others
            self._first -= timedelta(days=self._first.weekday())
        #: The beginning, UTC without a zone as the database keeps it.
        self.start = self._midnight(self._first)

    @property
    def unit(self) -> str:
        """What one column stands for."""
        return "Day" if self._by_day else "Week from"

    def buckets(self) -> list[tuple[date, datetime, datetime]]:
        """The days, or the weeks from Monday, up to today's: the first day, and beginning and end in UTC."""
        step = timedelta(days=1 if self._by_day else 7)
        days = [self._first]
        while days[-1] <= self.today:
            days.append(days[-1] + step)
        edges = [self._midnight(day) for day in days]
        return list(zip(days, edges, edges[1:]))

    def _midnight(self, day: date) -> datetime:
        there = datetime(day.year, day.month, day.day, tzinfo=self.zone)
        return there.astimezone(timezone.utc).replace(tzinfo=None)


def headlines(session: Session, period: Period) -> Headlines:
    """The numbers on top."""
    talks = session.scalar(select(func.count()).where(Conversation.created_at >= period.start))
    said = session.scalar(
        select(func.count()).where(StoredMessage.at >= period.start, StoredMessage.sender == "client")
    )
    opened = session.scalar(select(func.count()).where(Case.opened_at >= period.start))
    times = _answer_times(session, period)
    return Headlines(
        int(talks or 0),
        int(said or 0),
        int(opened or 0),
        length(timedelta(seconds=statistics.median(one.total_seconds() for one in times))) if times else "none yet",
    )


def tables(session: Session, period: Period, titles: Mapping[str, str]) -> list[Table]:
    """All figures, in the order in which they are shown.

    Args:
        titles: the passages' titles by id.
    """
    return [
        messages(session, period),
        cases(session, period),
        passages(session, period, titles),
        outcomes(session, period),
        answers(session, period),
    ]


def messages(session: Session, period: Period) -> Table:
    """Messages over time, by who wrote them."""
    # a range of the index a column, with nothing to sort: faster than grouping, and right when the clocks change
    return _over_time(session, "messages", "Messages", period, StoredMessage.at, StoredMessage.sender, SENDERS)


def cases(session: Session, period: Period) -> Table:
    """Cases over time, by how urgent they are."""
    return _over_time(session, "cases", "Cases", period, Case.opened_at, Case.priority, PRIORITIES)


def passages(session: Session, period: Period, titles: Mapping[str, str]) -> Table:
    """What the handout was asked most."""
    sources = cast(StoredMessage.sources, Text)
    counted = session.execute(
        select(sources, func.count())
        .where(
            StoredMessage.at >= period.start,
            StoredMessage.sender == "assistant",
            StoredMessage.kind == "answer",
        )
        .group_by(sources)
    )
    found: Counter[str] = Counter()
    for told, number in counted:
        for passage in json.loads(told):
            found[passage] += number
    rows = tuple((titles.get(name, name), number) for name, number in found.most_common(TOP_PASSAGES))
    return Table("passages", "Asked most from the handout", ("Passage", "Answers"), rows)


def outcomes(session: Session, period: Period) -> Table:
    """How health screens and booking checks ended."""
    counted = session.execute(
        select(DecisionRecord.outcome, func.count())
        .where(DecisionRecord.decided_at >= period.start)
        .group_by(DecisionRecord.outcome)
    )
    found = dict(counted.all())
    rows = tuple((title, found.get(name, 0)) for name, title in OUTCOMES.items())
    return Table("outcomes", "How health screens ended", ("Outcome", "Decisions"), rows)


def answers(session: Session, period: Period) -> Table:
    """How long clients waited for the therapist's first answer."""
    found: Counter[str] = Counter()
    for time in _answer_times(session, period):
        found[next(name for most, name in BANDS if time <= most)] += 1
    waiting = session.scalar(
        select(func.count()).where(
            Case.opened_at >= period.start, Case.first_reply_at.is_(None), Case.status != "closed"
        )
    )
    rows = [(name, found[name]) for _, name in BANDS]
    return Table(
        "answers", "Time to your first answer", ("Time", "Cases"), (*rows, ("not answered yet", int(waiting or 0)))
    )


def as_csv(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    """A table as a CSV file that spreadsheets open without running anything in it."""
    written = io.StringIO()
    writer = csv.writer(written)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell for cell in row])
    return written.getvalue()


def _over_time(
    session: Session, name: str, title: str, period: Period, at: Any, kind: Any, kinds: Mapping[str, str]
) -> Table:
    counts = [func.coalesce(func.sum(case((kind == one, 1), else_=0)), 0) for one in kinds]
    rows: list[tuple[Cell, ...]] = []
    for day, start, end in period.buckets():
        counted = session.execute(select(*counts).where(at >= start, at < end)).one()
        rows.append((f"{day.day} {day:%b}", *map(int, counted)))
    return Table(name, title, (period.unit, *kinds.values()), tuple(rows))


def _answer_times(session: Session, period: Period) -> list[timedelta]:
    rows = session.execute(
        select(Case.opened_at, Case.first_reply_at).where(
            Case.opened_at >= period.start, Case.first_reply_at.is_not(None)
        )
    )
    return [replied - opened for opened, replied in rows]
