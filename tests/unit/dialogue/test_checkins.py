"""Check-ins after a session: only with consent, at the practice's hours, once, and never against the client."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from typing import Any, Callable, List

import pytest
from sqlalchemy import select

from bot.dialogue.checkins import CheckinError, Checkins
from bot.dialogue.escalating import Escalating
from bot.escalation import add_reason, cases, open_case_of, outbox
from bot.escalation.delivery import Item, Later
from bot.handout import Handout
from bot.settings import Settings
from bot.store.database import Database
from bot.store.models import Checkin, Conversation, OutboxRow, StoredMessage
from tests.unit.dialogue.conftest import NOW, Talk, part

TODAY = NOW.date()


class Clock:
    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def checkins(handout: Handout, clock: Clock) -> Checkins:
    settings = Settings(_env_file=None)
    return Checkins(handout, settings, Escalating(handout, settings), clock)


def agreed(database: Database, **more: Any) -> None:
    with database.transaction() as session:
        session.add(Checkin(conversation_id="c", consent=True, **more))


def told(database: Database) -> List[StoredMessage]:
    with database.reading() as session:
        return list(session.scalars(select(StoredMessage).order_by(StoredMessage.seq)))


def planned(database: Database, kind: str = outbox.CHECKIN) -> List[OutboxRow]:
    with database.reading() as session:
        return list(session.scalars(select(OutboxRow).where(OutboxRow.kind == kind).order_by(OutboxRow.due_at)))


def item(row: OutboxRow) -> Item:
    return Item(row.id, row.kind, row.key, row.payload, row.conversation_id, 0)


def press(talk: Talk, message: StoredMessage, title: str) -> None:
    payload = next(b["payload"] for b in message.buttons if b["title"] == title)
    intent, _, rest = payload[1:].partition("{")
    talk.hear(part(intent), text=payload, entities=json.loads("{" + rest))


def test_nobody_is_asked_how_it_went_before_they_agreed(database: Database, checkins: Checkins) -> None:
    with database.transaction() as session:
        assert checkins.schedule(session, "c", TODAY)
        assert checkins.schedule(session, "c", TODAY)
    (asked,) = told(database)
    assert asked.pushed
    assert [b["title"] for b in asked.buttons] == ["Yes, please", "No, thanks"]
    assert planned(database) == []


@pytest.mark.parametrize("how", ["pressed", "typed"])
def test_a_yes_plans_both_and_a_no_plans_none(
    database: Database, checkins: Checkins, talk: Callable[[], Talk], how: str
) -> None:
    with database.transaction() as session:
        checkins.schedule(session, "c", TODAY)
    press(talk(), told(database)[0], "Yes, please") if how == "pressed" else talk().hear(part("affirm", "yes ok"))
    assert [row.due_at for row in planned(database)] == [datetime(2026, 11, 23, 19), datetime(2026, 11, 26, 10)]


def test_a_no_is_kept_and_the_client_is_not_asked_again(
    database: Database, checkins: Checkins, talk: Callable[[], Talk]
) -> None:
    with database.transaction() as session:
        checkins.schedule(session, "c", TODAY)
    talk().hear(part("deny", "no thanks"))
    with database.transaction() as session:
        assert not checkins.schedule(session, "c", TODAY)
    assert len(told(database)) == 1
    assert planned(database) == []


def test_the_hours_are_the_practices_in_summer_too(database: Database, checkins: Checkins, clock: Clock) -> None:
    agreed(database)
    clock.now = datetime(2026, 7, 1, 10, tzinfo=timezone.utc)
    with database.transaction() as session:
        checkins.schedule(session, "c", date(2026, 7, 1))
    assert [row.due_at for row in planned(database)] == [datetime(2026, 7, 1, 18), datetime(2026, 7, 4, 9)]


def test_one_session_is_planned_once(database: Database, checkins: Checkins) -> None:
    agreed(database)
    for _ in range(2):
        with database.transaction() as session:
            checkins.schedule(session, "c", TODAY)
    assert len(planned(database)) == 2


def test_what_is_long_past_is_not_asked_any_more(database: Database, checkins: Checkins) -> None:
    agreed(database)
    with database.transaction() as session:
        checkins.schedule(session, "c", TODAY - timedelta(days=4))
    assert [row.payload["day"] for row in planned(database)] == [3]


def test_a_row_becomes_one_message_however_often_it_is_tried(database: Database, checkins: Checkins) -> None:
    agreed(database)
    with database.transaction() as session:
        checkins.schedule(session, "c", TODAY)
    for row in planned(database):
        for _ in range(2):
            with database.transaction() as session:
                checkins.make(session, item(row))
    aftercare, question = told(database)
    assert set(aftercare.sources) >= {"after_heat", "after_swimming", "after_fluids"}
    assert set(question.sources) == {"bruising", "tenderness"}
    assert aftercare.pushed
    assert question.pushed


def test_who_left_an_address_gets_a_mail_that_says_nothing_about_health(database: Database, checkins: Checkins) -> None:
    agreed(database, email="jane@example.org")
    with database.transaction() as session:
        checkins.schedule(session, "c", TODAY)
    with database.transaction() as session:
        checkins.make(session, item(planned(database)[0]))
    (mail,) = planned(database, outbox.CLIENT_EMAIL)
    assert mail.payload == {"to": "jane@example.org"}


def test_while_the_therapist_speaks_the_check_in_waits(database: Database, checkins: Checkins) -> None:
    agreed(database)
    with database.transaction() as session:
        checkins.schedule(session, "c", TODAY)
        cases.step(session, add_reason(session, "c", "human", "words"), "take_over", NOW.replace(tzinfo=None))
    with pytest.raises(Later), database.transaction() as session:
        checkins.make(session, item(planned(database)[0]))
    assert told(database) == []


@pytest.fixture
def question(database: Database, checkins: Checkins) -> StoredMessage:
    """The question of the third day, asked."""
    agreed(database)
    with database.transaction() as session:
        checkins.schedule(session, "c", TODAY)
    with database.transaction() as session:
        checkins.make(session, item(planned(database)[1]))
    return told(database)[0]


@pytest.mark.parametrize("title", ["Not yet", "It got worse"])
def test_marks_that_stay_or_get_worse_open_a_case(
    database: Database, talk: Callable[[], Talk], question: StoredMessage, title: str
) -> None:
    one = talk()
    press(one, question, title)
    assert one.reply is not None
    assert one.reply.messages[0].case
    with database.reading() as session:
        case = open_case_of(session, "c")
        assert case is not None
        assert [(r.reason, r.words) for r in case.reasons] == [("after_effect", title)]


@pytest.mark.parametrize(("intent", "words"), [("deny", "no they're still purple"), ("unsure", "not really sure")])
def test_a_typed_no_to_the_question_opens_a_case_with_the_words(
    database: Database, talk: Callable[[], Talk], question: StoredMessage, intent: str, words: str
) -> None:
    talk().hear(part(intent, words))
    with database.reading() as session:
        case = open_case_of(session, "c")
        assert case is not None
        assert case.reasons[0].words == words


def test_a_no_after_something_else_was_said_is_not_an_answer_to_the_question(
    database: Database, talk: Callable[[], Talk], question: StoredMessage
) -> None:
    one = talk()
    one.hear(part("handout/after_heat", "can I use the sauna?"))
    one.hear(part("deny", "no"))
    with database.reading() as session:
        assert open_case_of(session, "c") is None


def test_all_cleared_opens_nothing(database: Database, talk: Callable[[], Talk], question: StoredMessage) -> None:
    press(talk(), question, "All cleared")
    with database.reading() as session:
        assert open_case_of(session, "c") is None


def test_opting_out_removes_what_is_planned_and_holds(
    database: Database, checkins: Checkins, talk: Callable[[], Talk], question: StoredMessage
) -> None:
    press(talk(), question, "No more check-ins")
    assert planned(database) == []
    with database.transaction() as session:
        assert not checkins.schedule(session, "c", TODAY + timedelta(days=14))


def test_an_address_is_taken_right_after_it_was_asked_for_and_not_otherwise(
    database: Database, talk: Callable[[], Talk]
) -> None:
    agreed(database, asked="email")
    one = talk()
    one.hear(part("smalltalk/ack", "sure, it's Jane.Doe@example.org thanks"))
    one.hear(part("smalltalk/ack", "or other@example.org"))
    with database.reading() as session:
        assert session.get(Checkin, "c").email == "jane.doe@example.org"


def test_a_client_who_is_gone_is_not_checked_in_with(database: Database, checkins: Checkins) -> None:
    agreed(database)
    with database.transaction() as session:
        checkins.schedule(session, "c", TODAY)
    row = item(planned(database)[0])
    with database.transaction() as session:
        session.delete(session.get(Conversation, "c"))
    with database.transaction() as session:
        checkins.make(session, row)
        assert not checkins.schedule(session, "c", TODAY)


def test_a_day_is_read_and_anything_else_refused(checkins: Checkins) -> None:
    assert checkins.day_named(None) == TODAY
    assert checkins.day_named("2026-11-20") == date(2026, 11, 20)
    with pytest.raises(CheckinError, match="2026-11-23"):
        checkins.day_named("yesterday")
