"""Durations in clients' words."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.handout import read_days

FRIDAY = date(2024, 5, 17)


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("still purple after 6 days", 6),
        ("a week and a half", 10.5),
        ("3 wks", 21),
        ("two weeks", 14),
        ("48hrs", 2),
        ("48 h", 2),
        ("day 4", 4),
        ("Day six and no change", 6),
        ("on the 10th day", 10),
        ("seventh day", 7),
        ("week two. still ow.", 7),
        ("bruise there after a week", 7),
        ("all week", 7),
        ("slept badly the whole week", 7),
        ("1 wk 2 days", 9),
        ("2-3 days", 3),
        ("five or six days", 6),
        ("a fortnight ago", 14),
        ("a couple of days", 2),
        ("3 and a half days", 3.5),
        ("1.5 weeks", 10.5),
        ("marks are 8 days old", 8),
        ("five nights", 5),
        ("half a day", 0.5),
        ("a month", 30),
        ("sore one day, then after 5 days again", 5),
    ],
)
def test_a_duration_is_read_in_days(text: str, days: float) -> None:
    assert read_days(text) == pytest.approx(days)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "does it hurt",
        "in two weeks",
        "every 3 days",
        "once a week",
        "4/10 now",
        "my 13 year old",
        "since Easter",
        "for ages",
        "4 of them",
    ],
)
def test_what_is_ahead_repeated_an_age_or_no_duration_is_not_read(text: str) -> None:
    assert read_days(text) is None


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("purple since monday", 4),
        ("since last Weds", 2),
        ("it's from Tuesday", 3),
        ("you did my back on Sunday", 5),
        ("since friday", 7),
        ("since yesterday", 1),
        ("since the day before yesterday", 2),
        ("since thurs, so 2 days", 2),
    ],
)
def test_weekdays_count_back_from_today(text: str, days: float) -> None:
    assert read_days(text, FRIDAY) == pytest.approx(days)


@pytest.mark.parametrize("text", ["purple since monday", "since yesterday"])
def test_without_today_a_weekday_is_no_duration(text: str) -> None:
    assert read_days(text) is None


def test_a_weekday_that_may_lie_ahead_is_not_read() -> None:
    assert read_days("the wedding is on Saturday", FRIDAY) is None


@given(st.text(max_size=300))
def test_any_text_can_be_read(text: str) -> None:
    days = read_days(text, FRIDAY)
    assert days is None or days >= 0
