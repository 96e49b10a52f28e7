"""A follow-up answered in words is read against the practice's limits."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.screening.follow_ups import read_follow_up
from bot.screening.interview import Interview
from bot.screening.reader import Reader
from bot.screening.rulebook import RULES_FILE, Rulebook
from tests.unit.screening.conftest import NOW


def changed(tmp_path: Path, old: str, new: str) -> Rulebook:
    text = RULES_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "rules.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return Rulebook.load(path)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("they came out five weeks ago", "under_limit"),
        ("41 days ago", "under_limit"),
        ("six weeks", "over_limit"),
        ("42 days ago", "over_limit"),
        ("seven weeks ago", "over_limit"),
        ("about six weeks", "under_limit"),
        ("yesterday", "under_limit"),
        ("two years ago, but some again last week", "under_limit"),
        ("still in", "still_in"),
        ("they come out on friday", "still_in"),
        ("I can't remember", "unsure"),
        ("a while", None),
        ("why do you ask", None),
    ],
)
def test_when_stitches_came_out_is_read_against_the_weeks(rulebook: Rulebook, text: str, value: str | None) -> None:
    _, follow_up = rulebook.follow_up("recent_sutures.when")
    assert read_follow_up(follow_up, text, rulebook) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("two months ago, 128/80", "controlled"),
        ("90 days ago and it was fine", "controlled"),
        ("91 days ago and it was fine", "not_measured"),
        ("128/80 but that was a year ago", "not_measured"),
        ("last week, 139/89", "controlled"),
        ("last week, 140/89", "high"),
        ("yesterday, it was higher", None),
        ("it was never measured", "not_measured"),
        ("no idea", "unsure"),
        ("fine", None),
        ("yes", None),
    ],
)
def test_a_blood_pressure_is_read_against_the_months(rulebook: Rulebook, text: str, value: str | None) -> None:
    _, follow_up = rulebook.follow_up("uncontrolled_hypertension.controlled")
    assert read_follow_up(follow_up, text, rulebook) == value


def test_a_follow_up_without_a_limit_is_not_guessed_from_words(rulebook: Rulebook) -> None:
    _, follow_up = rulebook.follow_up("cancer.now")
    assert read_follow_up(follow_up, "six weeks ago", rulebook) is None


def test_another_limit_changes_the_questions_and_what_words_mean(tmp_path: Path) -> None:
    rules = changed(tmp_path, "    value: 6\n", "    value: 8\n")
    _, follow_up = rules.follow_up("recent_sutures.when")
    titles = [option.title for option in follow_up.options]
    assert "Out for less than 8 weeks" in titles
    assert not any("6" in title for title in titles)
    assert "8 weeks" in rules.settings["recent_sutures_weeks"].text
    assert read_follow_up(follow_up, "seven weeks ago", rules) == "under_limit"
    assert read_follow_up(follow_up, "eight weeks ago", rules) == "over_limit"


def test_another_number_of_months_changes_question_and_reading(tmp_path: Path) -> None:
    rules = changed(tmp_path, "    value: 3\n", "    value: 2\n")
    _, follow_up = rules.follow_up("uncontrolled_hypertension.controlled")
    assert "last 2 months" in follow_up.question
    assert read_follow_up(follow_up, "120/80, 60 days ago", rules) == "controlled"
    assert read_follow_up(follow_up, "120/80, 61 days ago", rules) == "not_measured"


@pytest.mark.parametrize(("value", "books"), [("0", False), ("1", True)])
def test_whether_a_gentler_version_may_be_booked_follows_its_setting(tmp_path: Path, value: str, books: bool) -> None:
    text = RULES_FILE.read_text(encoding="utf-8")
    head, mark, tail = text.partition("  - id: modified_may_book\n    value: 0\n")
    assert mark
    path = tmp_path / "rules.yml"
    path.write_text(head + mark.replace("value: 0", f"value: {value}") + tail, encoding="utf-8")
    rules = Rulebook.load(path)
    assert rules.may_book("modified") is books
    assert rules.may_book("eligible")
    assert not any(rules.may_book(outcome) for outcome in ("review", "not_eligible", "urgent", "incomplete"))
    assert ("you can book" in rules.message("modified")) is books


def test_weeks_told_in_the_chat_decide_the_screen(rulebook: Rulebook, reader: Reader) -> None:
    interview = Interview.start(rulebook, reader)
    interview.answer("yes", NOW)
    interview.answer("yes", NOW)
    interview.answer("they came out ten days ago", NOW)
    step = interview.answer("left knee", NOW)
    assert interview.follow_ups["recent_sutures.when"] == "under_limit"
    assert step.decision is not None
    assert step.decision.outcome == "not_eligible"
