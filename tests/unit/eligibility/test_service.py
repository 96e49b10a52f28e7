"""Checks in the database: one transaction each, every decision kept, nothing answered twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import jwt
import pytest
from sqlalchemy import func, select

from bot.booking import ALGORITHM, AUDIENCE, ISSUER
from bot.dialogue.casework import Casework
from bot.dialogue.screens import record_decision
from bot.eligibility.service import Caller, Checks, Conflict, ForeignCheck, Request, UnknownCheck
from bot.eligibility.submission import InvalidSubmission, Submission
from bot.escalation import list_cases
from bot.escalation.outbox import WEBHOOK
from bot.handout import Handout
from bot.screening import decide
from bot.settings import read_settings
from bot.store.database import Database
from bot.store.models import Case, Check, CheckEntry, Conversation, DecisionRecord, OutboxRow, StoredMessage
from tests.unit.eligibility.conftest import ALL_NO, LISTED_NO, NOW, Clock

SOMEBODY = Caller("address:1")
PARTNER = Caller("key:1", partner=True)
CHAT = Caller("chat:talk", conversation="talk")


def said(text: str | None = None, reference: str | None = None, **answers: str) -> Submission:
    return Submission(answers, {}, text, reference)


def once(key: str | None = None, digest: str = "d") -> Request:
    return Request(key, digest)


def count(database: Database, table: Any) -> int:
    with database.reading() as session:
        return int(session.scalar(select(func.count()).select_from(table)))


def talk(database: Database, *lines: str) -> None:
    with database.transaction() as session:
        session.add(Conversation(id="talk", channel="chat"))
        session.flush()
        for number, line in enumerate(lines):
            session.add(
                StoredMessage(id=f"m{number}", conversation_id="talk", sender="client", text=line, kind="notice")
            )


def claims(checks: Checks, token: str, now: datetime = NOW) -> dict[str, Any]:
    key = jwt.PyJWK(checks.booking_tokens.jwks()["keys"][0]).key
    options = {"verify_exp": False, "verify_iat": False}
    return jwt.decode(token, key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=ISSUER, options=options)


def test_an_eligible_check_brings_a_booking_token_and_opens_no_case(checks: Checks, database: Database) -> None:
    told = checks.make(said(**ALL_NO), SOMEBODY, once())
    assert told["outcome"] == "eligible"
    assert told["case"] is None
    assert claims(checks, told["token"])["exp"] - NOW.timestamp() == 30 * 60
    assert count(database, Case) == 0


def test_the_booking_token_says_nothing_about_health_nor_where_to_add_answers(checks: Checks) -> None:
    told = checks.make(said(**ALL_NO), SOMEBODY, once())
    read = claims(checks, told["token"])
    assert set(read) == {"iss", "aud", "sub", "jti", "iat", "exp"}
    assert told["id"] not in str(read)


@pytest.mark.parametrize(
    ("submission", "outcome"),
    [
        (said(**{**ALL_NO, "cancer": "yes"}), "modified"),
        (said(**{**ALL_NO, "cancer": "unsure"}), "review"),
        (said(**{**ALL_NO, "hematoma": "yes"}), "not_eligible"),
        (said("crushing chest pain and I can't breathe", **LISTED_NO), "urgent"),
    ],
)
def test_any_other_outcome_opens_a_case_with_that_reason(
    checks: Checks, database: Database, submission: Submission, outcome: str
) -> None:
    told = checks.make(submission, SOMEBODY, once())
    assert told["outcome"] == outcome
    assert told["token"] is None
    with database.reading() as session:
        (case,) = list_cases(session)
        assert case.label == told["case"]
        assert [reason.reason for reason in case.reasons] == [outcome]
        assert session.get(Conversation, case.conversation_id).channel == "eligibility"
    if outcome != "urgent":
        assert told["case"] in told["message"]


def test_an_unfinished_check_is_nobodys_case(checks: Checks, database: Database) -> None:
    told = checks.make(said("I like firm pressure"), SOMEBODY, once())
    assert told["outcome"] == "incomplete"
    assert told["valid_until"] is None
    assert count(database, Case) == 0


def test_an_alarm_is_answered_with_its_own_advice(checks: Checks) -> None:
    told = checks.make(said("I want to end my life"), SOMEBODY, once())
    assert told["outcome"] == "urgent"
    assert "massage" not in told["message"]
    assert "112" in told["message"]
    assert "{" not in told["message"]


def test_a_note_for_the_therapist_is_kept_with_an_eligible_check(checks: Checks, database: Database) -> None:
    submission = Submission(
        {**ALL_NO, "uncontrolled_hypertension": "yes"},
        {"uncontrolled_hypertension.controlled": "controlled"},
        None,
        None,
    )
    assert checks.make(submission, SOMEBODY, once())["outcome"] == "eligible"
    with database.reading() as session:
        (case,) = list_cases(session)
        assert [reason.reason for reason in case.reasons] == ["note"]


def test_words_and_decision_are_where_the_therapist_reads_them(checks: Checks, database: Database) -> None:
    told = checks.make(said("I take warfarin", **LISTED_NO), SOMEBODY, once())
    with database.reading() as session:
        lines = list(session.scalars(select(StoredMessage).order_by(StoredMessage.seq)))
    assert [(line.sender, line.kind) for line in lines] == [("client", "notice"), ("assistant", "decision")]
    assert lines[0].text == "I take warfarin"
    assert lines[1].reply_to == lines[0].seq
    assert lines[1].decision["id"] == told["id"]
    assert lines[1].decision["token"] is None


def test_later_answers_decide_again_and_every_decision_is_kept(checks: Checks, database: Database) -> None:
    first = checks.make(said(recent_sutures="no"), SOMEBODY, once())
    second = checks.add(first["id"], said(**ALL_NO), SOMEBODY, once())
    assert (first["outcome"], second["outcome"]) == ("incomplete", "eligible")
    assert first["id"] == second["id"]
    assert count(database, DecisionRecord) == 2
    assert checks.read(first["id"], PARTNER)["outcome"] == "eligible"


def test_a_case_gathers_what_a_check_says_later(checks: Checks, database: Database) -> None:
    first = checks.make(said(**{**ALL_NO, "cancer": "yes"}), SOMEBODY, once())
    second = checks.add(first["id"], said("I am pregnant"), SOMEBODY, once())
    assert first["case"] == second["case"]
    assert count(database, Case) == 1


def test_reading_an_eligible_check_brings_a_fresh_token_while_it_is_valid(checks: Checks, clock: Clock) -> None:
    told = checks.make(said(**ALL_NO), SOMEBODY, once())
    clock.forward(days=29)
    again = checks.read(told["id"], PARTNER)
    assert claims(checks, again["token"])["jti"] != claims(checks, told["token"])["jti"]
    assert {**again, "token": None} == {**told, "token": None}
    clock.forward(days=2)
    assert checks.read(told["id"], PARTNER)["token"] is None


def test_a_check_is_read_with_a_key_its_own_token_or_the_chat_that_made_it(checks: Checks, database: Database) -> None:
    talk(database)
    told = checks.make(said(**ALL_NO), CHAT, once())
    for caller in (PARTNER, Caller("check:x", check=told["id"]), CHAT):
        assert checks.read(told["id"], caller)["id"] == told["id"]
    for caller in (SOMEBODY, Caller("check:y", check="another"), Caller("chat:z", conversation="another")):
        with pytest.raises(ForeignCheck):
            checks.read(told["id"], caller)


def test_a_foreign_token_adds_nothing(checks: Checks, database: Database) -> None:
    told = checks.make(said(**ALL_NO), SOMEBODY, once())
    with pytest.raises(ForeignCheck):
        checks.add(told["id"], said("x"), Caller("check:y", check="another"), once())
    assert count(database, CheckEntry) == 1


def test_an_unknown_check_is_not_found(checks: Checks) -> None:
    with pytest.raises(UnknownCheck):
        checks.read("nothing", PARTNER)
    with pytest.raises(UnknownCheck):
        checks.add("nothing", said("x"), PARTNER, once())


def test_a_decision_made_in_chat_is_read_by_its_id_and_not_added_to(checks: Checks, database: Database) -> None:
    talk(database)
    with database.transaction() as session:
        record = record_decision(session, "talk", decide(checks.rulebook, ALL_NO, {}, [], NOW), "screen")
    assert checks.read(record.id, CHAT)["outcome"] == "eligible"
    with pytest.raises(ForeignCheck):
        checks.read(record.id, Caller("check:y", check="another"))
    with pytest.raises(Conflict, match="chat"):
        checks.add(record.id, said("x"), PARTNER, once())


def test_what_was_said_in_the_chat_counts_in_its_check(checks: Checks, database: Database) -> None:
    talk(database, "hi, I take warfarin, is that a problem?")
    told = checks.make(said(**ALL_NO), CHAT, once())
    assert told["outcome"] == "review"
    assert checks.add(told["id"], said(**ALL_NO), CHAT, once())["outcome"] == "review"


def test_a_chat_that_was_deleted_makes_no_check(checks: Checks) -> None:
    with pytest.raises(UnknownCheck):
        checks.make(said(**ALL_NO), CHAT, once())


def test_a_repeated_request_gets_the_first_answer_and_adds_nothing(checks: Checks, database: Database) -> None:
    first = checks.make(said(**ALL_NO), SOMEBODY, once("k"))
    assert checks.make(said(**ALL_NO), SOMEBODY, once("k")) == first
    added = checks.add(first["id"], said("I am pregnant"), SOMEBODY, once("l"))
    assert checks.add(first["id"], said("I am pregnant"), SOMEBODY, once("l")) == added
    assert count(database, Check) == 1
    assert count(database, CheckEntry) == 2


def test_a_key_used_for_another_request_is_a_conflict(checks: Checks) -> None:
    checks.make(said(**ALL_NO), SOMEBODY, once("k"))
    with pytest.raises(Conflict, match="Idempotency-Key"):
        checks.make(said(), SOMEBODY, once("k", "another"))


def test_one_callers_key_is_nothing_to_another(checks: Checks) -> None:
    first = checks.make(said(**ALL_NO), SOMEBODY, once("k"))
    assert checks.make(said(**ALL_NO), Caller("address:2"), once("k"))["id"] != first["id"]


def test_a_refused_submission_keeps_nothing(checks: Checks, database: Database) -> None:
    with pytest.raises(InvalidSubmission):
        checks.make(Submission({}, {"hematoma.now": "gone"}, None, None), SOMEBODY, once())
    assert (count(database, Check), count(database, Conversation), count(database, DecisionRecord)) == (0, 0, 0)


def test_a_check_of_older_questions_or_of_long_ago_is_not_added_to(checks: Checks, clock: Clock) -> None:
    told = checks.make(said(**ALL_NO), SOMEBODY, once())
    clock.forward(days=checks.rulebook.validity_days + 1)
    with pytest.raises(Conflict, match="too old"):
        checks.add(told["id"], said("x"), SOMEBODY, once())
    fresh = checks.make(said(**ALL_NO), SOMEBODY, once())
    checks.rulebook = replace(checks.rulebook, version="next")
    with pytest.raises(Conflict, match="changed"):
        checks.add(fresh["id"], said("x"), SOMEBODY, once())


def test_the_booking_sites_reference_is_kept(checks: Checks, database: Database) -> None:
    told = checks.make(said(reference="booking-7", **ALL_NO), SOMEBODY, once())
    checks.add(told["id"], said("x"), SOMEBODY, once())
    with database.reading() as session:
        assert session.get(Check, told["id"]).reference == "booking-7"


def test_deleting_the_conversation_deletes_the_check(checks: Checks, database: Database) -> None:
    told = checks.make(said("I take warfarin", **LISTED_NO), SOMEBODY, once("k"))
    with database.transaction() as session:
        session.delete(session.get(Conversation, session.get(Check, told["id"]).conversation_id))
    assert [count(database, table) for table in (Check, CheckEntry, DecisionRecord, Case, StoredMessage)] == [0] * 5


def ruled(checks: Checks, database: Database, step: str) -> dict[str, Any]:
    """A check that the therapist rules on, as the booking site reads it afterwards."""
    told = checks.make(said(**{**ALL_NO, "cancer": "yes"}, reference="their-7"), PARTNER, once())
    casework = Casework(Handout.load(), read_settings(None), checks.booking_tokens, 30, lambda: NOW)
    with database.transaction() as session:
        record = session.scalars(select(DecisionRecord)).one()
        getattr(casework, step)(session, int(told["case"][2:]), record.id, "therapist")
    return checks.read(told["id"], PARTNER)


def test_an_approved_check_reads_back_with_a_token_and_the_outcome_that_the_screen_found(
    checks: Checks, database: Database, clock: Clock
) -> None:
    read = ruled(checks, database, "approve")
    assert read["outcome"] == "modified"
    assert claims(checks, read["token"])["aud"] == AUDIENCE
    assert "you can book" in read["message"]
    clock.forward(days=31)
    assert checks.read(read["id"], PARTNER)["token"] is None


def test_a_declined_check_reads_back_without_a_token_and_kindly(checks: Checks, database: Database) -> None:
    read = ruled(checks, database, "decline")
    assert read["token"] is None
    assert "online" in read["message"]


def test_a_ruling_tells_the_booking_site_under_its_own_names(checks: Checks, database: Database) -> None:
    read = ruled(checks, database, "approve")
    with database.reading() as session:
        (row,) = session.scalars(select(OutboxRow).where(OutboxRow.kind == WEBHOOK))
    assert (row.payload["id"], row.payload["reference"]) == (read["id"], "their-7")


def test_what_is_added_after_an_approval_needs_a_new_ruling(checks: Checks, database: Database) -> None:
    read = ruled(checks, database, "approve")
    told = checks.add(read["id"], said("my kidneys are failing"), PARTNER, once("later"))
    assert told["token"] is None
    assert checks.read(read["id"], PARTNER)["token"] is None
