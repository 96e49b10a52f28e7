"""The states of a case, and what each step leaves behind."""

from __future__ import annotations

from typing import Any, List

import pytest
from sqlalchemy import select

from bot.booking import BookingTokens
from bot.dialogue.casework import LONGEST_REPLY, Casework
from bot.escalation import CaseError, add_reason, audit, client_wrote, in_therapists_hands
from bot.escalation.cases import IN_WORDS, STATES, STEPS, NoSuchCase, case_of
from bot.store.database import Database
from bot.store.models import Case, OutboxRow, StoredMessage
from tests.unit.escalation.conftest import Clock, decision


@pytest.fixture
def number(database: Database) -> int:
    """An open case of conversation c."""
    with database.transaction() as session:
        return add_reason(session, "c", "human", "a person please").number


def case(database: Database, number: int) -> Case:
    with database.reading() as session:
        return case_of(session, number)


def told(database: Database, conversation: str = "c") -> List[StoredMessage]:
    with database.reading() as session:
        query = select(StoredMessage).where(StoredMessage.conversation_id == conversation).order_by(StoredMessage.seq)
        return list(session.scalars(query))


def rows(database: Database, kind: str) -> List[OutboxRow]:
    with database.reading() as session:
        return list(session.scalars(select(OutboxRow).where(OutboxRow.kind == kind).order_by(OutboxRow.id)))


def actions(database: Database, number: int) -> List[str]:
    with database.reading() as session:
        return [entry.action for entry in audit.entries(session, number)][::-1]


def test_every_state_has_a_name_and_every_step_stays_within_the_states() -> None:
    assert set(IN_WORDS) == set(STATES)
    for before, after in STEPS.values():
        assert {*before, after} <= set(STATES)


def test_a_new_case_waits_for_the_practice_and_is_notified_once_on_every_way(database: Database, number: int) -> None:
    opened = case(database, number)
    assert (opened.status, opened.waiting_for) == ("open", "practice")
    assert opened.waiting_since is not None
    (email,) = rows(database, "email")
    assert email.payload == {"case": number, "priority": "question", "event": "opened"}
    assert len(rows(database, "telegram_notice")) == 1


def test_a_second_reason_of_the_same_weight_does_not_notify_again(database: Database, number: int) -> None:
    with database.transaction() as session:
        add_reason(session, "c", "question", "how much is it?")
    assert len(rows(database, "email")) == 1


def test_every_alarm_in_an_open_case_notifies_as_urgent(database: Database, number: int) -> None:
    with database.transaction() as session:
        add_reason(session, "c", "emergency", "chest pain")
        add_reason(session, "c", "emergency", "it is getting worse, my arm is numb")
    assert [row.payload["event"] for row in rows(database, "email")] == ["opened", "urgent", "urgent"]


def test_no_notification_carries_a_word_of_the_client(database: Database) -> None:
    with database.transaction() as session:
        add_reason(session, "c", "complaint", "the zebrafinch was rude")
    assert all("zebrafinch" not in str(row.payload) for row in [*rows(database, "email"), *rows(database, "webhook")])


def test_taking_over_silences_the_assistant_and_tells_the_client(
    database: Database, casework: Casework, number: int
) -> None:
    with database.transaction() as session:
        casework.take_over(session, number, "therapist")
        assert in_therapists_hands(session, "c")
    (message,) = told(database)
    assert "therapist has joined" in message.text
    assert message.pushed
    assert actions(database, number) == ["opened", "taken_over"]


def test_a_reply_to_an_open_case_takes_it_over_and_waits_for_the_client(
    database: Database, casework: Casework, number: int, clock: Clock
) -> None:
    with database.transaction() as session:
        casework.reply(session, number, "  Come on Tuesday. ", "therapist", "r1")
    answered = case(database, number)
    assert (answered.status, answered.waiting_for) == ("waiting_for_client", "client")
    assert answered.first_reply_at == clock.naive
    joined, reply = told(database)
    assert (reply.sender, reply.text, reply.pushed) == ("therapist", "Come on Tuesday.", True)
    assert joined.seq < reply.seq


def test_a_repeated_reply_adds_nothing_even_after_the_case_was_closed(
    database: Database, casework: Casework, number: int
) -> None:
    with database.transaction() as session:
        first = casework.reply(session, number, "Come on Tuesday.", "therapist", "r1")
        casework.close(session, number, "", "therapist")
    count = len(told(database))
    with database.transaction() as session:
        assert casework.reply(session, number, "Come on Tuesday.", "therapist", "r1").id == first.id
    assert len(told(database)) == count


def test_a_reply_written_before_somebody_elses_was_seen_is_held_back(
    database: Database, casework: Casework, number: int
) -> None:
    with database.transaction() as session:
        first = casework.reply(session, number, "Come on Tuesday.", "one tab", "r1", seen=0)
    with pytest.raises(CaseError, match="since you opened it"), database.transaction() as session:
        casework.reply(session, number, "Come on Wednesday.", "other tab", "r2", seen=0)
    with database.transaction() as session:
        casework.reply(session, number, "Bring water.", "other tab", "r3", seen=first.seq)
    assert [message.text for message in told(database)][1:] == ["Come on Tuesday.", "Bring water."]


def test_first_reply_time_is_the_first_replys(
    database: Database, casework: Casework, number: int, clock: Clock
) -> None:
    first = clock.naive
    for key in ("r1", "r2"):
        with database.transaction() as session:
            casework.reply(session, number, "Hello", "therapist", key)
        clock.advance(hours=1)
    assert case(database, number).first_reply_at == first


def test_the_clients_answer_hands_the_case_back_to_the_practice_and_notifies_once(
    database: Database, casework: Casework, number: int, clock: Clock
) -> None:
    with database.transaction() as session:
        casework.reply(session, number, "Which day suits you?", "therapist", "r1")
    for seq in (101, 102):
        clock.advance(minutes=1)
        with database.transaction() as session:
            assert client_wrote(session, "c", seq, clock.naive)
    waiting = case(database, number)
    assert (waiting.status, waiting.waiting_for) == ("taken_over", "practice")
    assert [row.payload["event"] for row in rows(database, "email")] == ["opened", "answered"]


def test_a_message_to_a_case_that_nobody_took_over_stays_the_assistants(database: Database, number: int) -> None:
    with database.transaction() as session:
        assert not client_wrote(session, "c", 1, case_of(session, number).opened_at)
        assert not client_wrote(session, "d", 1, case_of(session, number).opened_at)


def test_closing_hands_back_and_says_so_and_keeps_the_note(
    database: Database, casework: Casework, number: int, clock: Clock
) -> None:
    with database.transaction() as session:
        casework.take_over(session, number, "therapist")
        casework.close(session, number, " all well ", "therapist")
        assert not in_therapists_hands(session, "c")
    closed = case(database, number)
    assert (closed.status, closed.note, closed.closed_at, closed.waiting_for) == (
        "closed",
        "all well",
        clock.naive,
        None,
    )
    assert "I'm back" in told(database)[-1].text


def test_closing_a_case_that_nobody_took_over_says_nothing_to_the_client(
    database: Database, casework: Casework, number: int
) -> None:
    with database.transaction() as session:
        casework.close(session, number, "", "therapist")
    assert told(database) == []


def test_a_closed_case_can_be_reopened_and_waits_again(database: Database, casework: Casework, number: int) -> None:
    with database.transaction() as session:
        casework.close(session, number, "", "therapist")
        casework.reopen(session, number, "therapist")
    again = case(database, number)
    assert (again.status, again.waiting_for, again.closed_at) == ("open", "practice", None)
    assert actions(database, number) == ["opened", "closed", "reopened"]


def test_a_case_is_not_reopened_beside_a_newer_one(database: Database, casework: Casework, number: int) -> None:
    with database.transaction() as session:
        casework.close(session, number, "", "therapist")
        newer = add_reason(session, "c", "human", "again")
    with pytest.raises(CaseError, match=newer.label), database.transaction() as session:
        casework.reopen(session, number, "therapist")


@pytest.mark.parametrize("step", ["take_over", "reply", "close", "approve"])
def test_a_closed_case_refuses_what_needs_an_open_one_and_says_so(
    database: Database, casework: Casework, number: int, step: str
) -> None:
    decision(database)
    with database.transaction() as session:
        casework.close(session, number, "", "therapist")
    arguments: Any = {"reply": ("Hello", "t", "r1"), "close": ("", "t"), "approve": ("d1", "t")}.get(step, ("t",))
    with pytest.raises(CaseError, match="is closed"), database.transaction() as session:
        getattr(casework, step)(session, number, *arguments)


def test_a_case_that_does_not_exist_is_said_to_be_missing(database: Database, casework: Casework) -> None:
    with pytest.raises(NoSuchCase, match="C-4711"), database.transaction() as session:
        casework.take_over(session, 4711, "therapist")


@pytest.mark.parametrize("text", ["", "  \n ", "x" * (LONGEST_REPLY + 1)])
def test_a_reply_that_cannot_be_sent_changes_nothing(
    database: Database, casework: Casework, number: int, text: str
) -> None:
    with pytest.raises(CaseError), database.transaction() as session:
        casework.reply(session, number, text, "therapist", "r1")
    assert case(database, number).status == "open"
    assert told(database) == []


def test_approving_gives_the_client_a_token_and_tells_the_booking_site(
    database: Database, casework: Casework, number: int, tokens: BookingTokens, clock: Clock
) -> None:
    decision(database, "review")
    with database.transaction() as session:
        record = casework.approve(session, number, "d1", "therapist")
        assert (record.outcome, record.ruling) == ("review", "approved"), "what the screen found stays"
        assert record.valid_until > clock.naive
    message = told(database)[-1]
    assert message.kind == "decision"
    assert message.decision["token"]
    (row,) = rows(database, "webhook")
    assert row.payload == {"ruling": "approved", "decision": "d1", "id": "d1", "reference": None, "case": f"C-{number}"}
    assert case(database, number).waiting_for == "client"


def test_declining_is_kind_and_gives_no_token(database: Database, casework: Casework, number: int) -> None:
    decision(database, "not_eligible")
    with database.transaction() as session:
        casework.decline(session, number, "d1", "therapist")
    message = told(database)[-1]
    assert message.decision["token"] is None
    assert "online" in message.text
    assert rows(database, "webhook")[0].payload["ruling"] == "declined"


def test_a_decision_is_ruled_on_once(database: Database, casework: Casework, number: int) -> None:
    decision(database)
    with database.transaction() as session:
        casework.approve(session, number, "d1", "one tab")
    with pytest.raises(CaseError, match="approved already"), database.transaction() as session:
        casework.decline(session, number, "d1", "other tab")
    assert len(rows(database, "webhook")) == 1


def test_a_decision_of_another_client_is_not_ruled_on_here(database: Database, casework: Casework, number: int) -> None:
    decision(database, conversation="d")
    with pytest.raises(CaseError, match="does not belong"), database.transaction() as session:
        casework.approve(session, number, "d1", "therapist")


@pytest.mark.parametrize("outcome", ["eligible", "incomplete"])
def test_there_is_nothing_to_rule_on_where_the_screen_is_not_done_or_found_nothing(
    database: Database, casework: Casework, number: int, outcome: str
) -> None:
    decision(database, outcome)
    with pytest.raises(CaseError), database.transaction() as session:
        casework.approve(session, number, "d1", "therapist")
