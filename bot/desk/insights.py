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
from zoneinfo import ZoneInfo

from sqlalchemy import String, Text, cast, func, select
from sqlalchemy.orm import Session

from bot.desk.words import OUTCOMES, PRIORITIES, SENDERS, length
from bot.store.models import Case, Conversation, DecisionRecord, StoredMessage

PERIODS = {"30": "30 days", "90": "90 days", "365": "a year"}
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
        start = datetime(self._first.year, self._first.month, self._first.day, tzinfo=self.zone)
        #: The beginning, UTC without a zone as the database keeps it.
        self.start = start.astimezone(timezone.utc).replace(tzinfo=None)

    @property
    def unit(self) -> str:
        """What one column stands for."""
        return "Day" if self._by_day else "Week from"

    def buckets(self) -> list[date]:
        """The days, or the Mondays, from the first to today's."""
        step = timedelta(days=1 if self._by_day else 7)
        found = [self._first]
        while found[-1] + step <= self.today:
            found.append(found[-1] + step)
        return found

    def bucket(self, moment: datetime) -> date:
        """The bucket that a moment (UTC without a zone) falls into."""
        day = moment.replace(tzinfo=timezone.utc).astimezone(self.zone).date()
        return day if self._by_day else day - timedelta(days=day.weekday())


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
        length(statistics.median(times)) if times else "none yet",
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
    hour = func.substr(cast(StoredMessage.at, String), 1, 13)
    counted = session.execute(
        select(hour, StoredMessage.sender, func.count())
        .where(StoredMessage.at >= period.start)
        .group_by(hour, StoredMessage.sender)
    )
    found: Counter[tuple[date, str]] = Counter()
    for told, sender, number in counted:
        found[period.bucket(datetime.strptime(told.replace("T", " "), "%Y-%m-%d %H")), sender] += number
    return _over_time("messages", "Messages", period, SENDERS, found)


def cases(session: Session, period: Period) -> Table:
    """Cases over time, by how urgent they are."""
    rows = session.execute(select(Case.opened_at, Case.priority).where(Case.opened_at >= period.start))
    found = Counter((period.bucket(at), priority) for at, priority in rows)
    return _over_time("cases", "Cases", period, PRIORITIES, found)


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
    found = {outcome: number for outcome, number in counted}
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
    name: str, title: str, period: Period, kinds: Mapping[str, str], found: Mapping[tuple[date, str], int]
) -> Table:
    rows = tuple(
        (f"{day.day} {day:%b}", *(found.get((day, kind), 0) for kind in kinds)) for day in period.buckets()
    )
    return Table(name, title, (period.unit, *kinds.values()), rows)


def _answer_times(session: Session, period: Period) -> list[timedelta]:
    rows = session.execute(
        select(Case.opened_at, Case.first_reply_at).where(
            Case.opened_at >= period.start, Case.first_reply_at.is_not(None)
        )
    )
    return [replied - opened for opened, replied in rows]
