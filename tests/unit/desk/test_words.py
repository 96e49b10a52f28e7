"""How the desk names things: every name that the other packages use has words."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.channels.desk import _own_address
from bot.channels.desk_pages import clean
from bot.desk import words
from bot.desk.findings import explained
from bot.escalation import audit, cases, outbox
from bot.screening import Rulebook
from bot.screening.model import SEVERITY, STATUSES
from bot.screening.vocabulary import SOURCES
from bot.store.models import DecisionRecord, FindingRecord


def test_every_name_has_words() -> None:
    assert set(words.REASONS) == set(cases.REASONS)
    assert set(words.PRIORITIES) == set(cases.PRIORITIES)
    assert set(words.STATES) == set(cases.STATES)
    assert set(words.ACTIONS) == set(audit.ACTIONS)
    assert set(words.OUTCOMES) == {*SEVERITY, "incomplete"}
    assert set(words.STATUSES) == set(STATUSES)
    kinds = {outbox.EMAIL, outbox.TELEGRAM_NOTICE, outbox.TELEGRAM, outbox.CLIENT_EMAIL, outbox.CHECKIN, outbox.WEBHOOK}
    assert set(words.KINDS) == kinds


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(seconds=-5), "less than a minute"),
        (timedelta(seconds=59), "less than a minute"),
        (timedelta(minutes=1), "1 min"),
        (timedelta(minutes=59, seconds=59), "59 min"),
        (timedelta(hours=1), "1 h"),
        (timedelta(hours=2, minutes=5), "2 h 5 min"),
        (timedelta(hours=23, minutes=59), "23 h 59 min"),
        (timedelta(days=1), "1 day"),
        (timedelta(days=4, hours=20), "4 days"),
    ],
)
def test_a_length_of_time_is_told_as_a_person_would(span: timedelta, told: str) -> None:
    assert words.length(span) == told


def test_a_time_is_told_in_the_practices_zone() -> None:
    assert words.local(datetime(2026, 7, 1, 12, 0), "Europe/London").hour == 13


def finding(**fields: str) -> FindingRecord:
    return FindingRecord(**{"status": "present", "origin": "text", "evidence": "words", "rule": "", **fields})


def test_a_finding_shows_the_words_the_rule_and_where_it_is_written() -> None:
    decision = DecisionRecord(
        findings=[
            finding(condition="kidney_dysfunction", status="other_person", source="contraindications"),
            finding(condition="anticoagulants", evidence="eliquis", source="modified", rule="anticoagulant"),
        ]
    )
    first, second = explained(decision, Rulebook.load())
    assert (first.condition, first.status, first.evidence) == ("A blood thinner", "has it", "eliquis")
    assert "gentler version" in first.rule
    assert first.basis == "Handout: modified · rule anticoagulant"
    assert first.matters
    assert not second.matters


def test_an_answer_is_shown_with_its_question_and_a_choice_with_its_title() -> None:
    rulebook = Rulebook.load()
    item, asked = rulebook.follow_up("uncontrolled_hypertension.controlled")
    decision = DecisionRecord(
        findings=[
            finding(condition=item.id, origin="answer", evidence="unsure", source=item.source, status="unsure"),
            finding(condition=item.id, origin="follow_up", evidence="not_measured", source=item.source, rule=asked.id),
        ]
    )
    answer, choice = explained(decision, rulebook)
    assert (answer.asked, answer.evidence) == (item.question, "Not sure")
    assert (choice.asked, choice.evidence) == (asked.question, "It was not measured")


@pytest.mark.parametrize("source", SOURCES)
def test_every_source_of_a_finding_is_explained(source: str) -> None:
    decision = DecisionRecord(findings=[finding(condition="something_unlisted", source=source)])
    (one,) = explained(decision, Rulebook.load())
    assert one.rule
    assert one.condition == "Something unlisted"


def test_a_reply_keeps_its_lines_and_loses_control_characters() -> None:
    assert clean("one\r\ntwo\x00\x1b[31m\ud800 three") == "one\ntwo[31m three"


@pytest.mark.parametrize(
    ("address", "taken"),
    [
        ("/desk/cases/C-1042", "/desk/cases/C-1042"),
        ("https://elsewhere.example/", ""),
        ("//elsewhere.example/desk/", ""),
        ("/desk//elsewhere.example", ""),
        ("/desk/\\elsewhere.example", ""),
        ("/desk/login", ""),
        ("/", ""),
    ],
)
def test_a_log_in_leads_to_a_page_of_the_desk_only(address: str, taken: str) -> None:
    assert _own_address(address) == taken
