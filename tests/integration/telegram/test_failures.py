"""What goes wrong between us and Telegram: nothing is lost, nothing is told twice, nobody waits for somebody else."""

from __future__ import annotations

import logging
from typing import Any, Callable

import pytest
from sqlalchemy import select, text

from bot.dialogue.message import Message
from bot.dialogue.transcript import add_messages
from bot.escalation import outbox
from bot.store.models import CaseReason, OutboxRow, TelegramBot, TelegramChat, TelegramSent, utcnow
from bot.telegram import bots
from bot.telegram.check import check
from bot.telegram.polling import IN_USE
from tests.integration.telegram.conftest import CHAT, Bot, conversation, eventually, greeted, handled, received
from tests.integration.telegram.fake import TOKEN, FakeBotApi, message, refusal


def row(bot: Bot) -> TelegramBot:
    with bot.database.reading() as session:
        found = session.get(TelegramBot, bots.bot_id(TOKEN))
    assert found is not None
    return found


def last_row(bot: Bot) -> OutboxRow:
    with bot.database.reading() as session:
        return session.scalars(select(OutboxRow).where(OutboxRow.kind == outbox.TELEGRAM).order_by(OutboxRow.id)).all()[
            -1
        ]


def push(bot: Bot, text: str, sender: str = "therapist") -> None:
    with bot.database.transaction() as session:
        add_messages(session, conversation(bot), [Message(text, "answer").as_dict()], sender=sender, pushed=True)


def hurry(bot: Bot) -> None:
    """Make rows that wait for their next attempt due."""
    with bot.database.transaction() as session:
        session.execute(text("UPDATE outbox SET due_at = NULL WHERE sent_at IS NULL AND dead_at IS NULL"))


def problem_of(bot: Bot) -> Callable[[], Any]:
    return lambda: last_row(bot).problem


async def test_a_429_is_waited_out_and_the_message_arrives_once(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    api.refusals["sendMessage"] = [refusal(429, retry_after=1)]
    await api.say(CHAT, "hello")
    problem = await eventually(problem_of(bot))
    assert "429" in problem
    assert last_row(bot).due_at is not None
    hurry(bot)
    assert await received(api, 1) == ["You said: hello"]


async def test_a_server_error_is_retried(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    api.refusals["sendMessage"] = [refusal(502, "Bad Gateway")]
    await api.say(CHAT, "hello")
    await eventually(problem_of(bot))
    hurry(bot)
    assert await received(api, 1) == ["You said: hello"]


async def test_a_later_message_does_not_overtake_one_that_waits(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    api.refusals["sendMessage"] = [refusal(500)]
    await api.say(CHAT, "first")
    await eventually(problem_of(bot))
    await api.say(CHAT, "second")
    await handled(bot, api)
    hurry(bot)
    assert await received(api, 2) == ["You said: first", "You said: second"]


async def test_a_message_that_telegram_refuses_is_given_up_and_the_next_one_goes(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    api.refusals["sendMessage"] = [refusal(400, "Bad Request: chat not found")]
    await api.say(CHAT, "first")
    await eventually(lambda: last_row(bot).dead_at)
    await api.say(CHAT, "second")
    assert await received(api, 1) == ["You said: second"]


async def test_a_client_who_blocked_the_bot_gets_nothing_more_and_the_case_says_so(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    bot.open_case(conversation(bot))
    api.refusals["sendMessage"] = [refusal(403, "Forbidden: bot was blocked by the user")]
    push(bot, "Come by at ten.")
    await eventually(lambda: last_row(bot).dead_at)
    push(bot, "Or at eleven.")
    await eventually(lambda: last_row(bot).dead_at)
    assert api.sent == []
    with bot.database.reading() as session:
        reasons = session.scalars(select(CaseReason).where(CaseReason.reason == "unreachable")).all()
        assert session.get(TelegramChat, conversation(bot)).blocked
    assert ["blocked" in reason.words for reason in reasons] == [True]


async def test_a_client_who_lets_the_bot_in_again_is_written_to_again(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    private = {"id": CHAT, "type": "private"}
    await api.push(my_chat_member={"chat": private, "new_chat_member": {"status": "kicked"}})
    await handled(bot, api)
    push(bot, "lost")
    await eventually(lambda: last_row(bot).dead_at)
    await api.push(my_chat_member={"chat": private, "new_chat_member": {"status": "member"}})
    await handled(bot, api)
    push(bot, "found")
    assert await received(api, 1) == ["From the therapist:\nfound"]


async def test_a_token_revoked_in_the_middle_is_said_once_and_nothing_is_lost(
    bot: Bot, api: FakeBotApi, caplog: pytest.LogCaptureFixture
) -> None:
    await greeted(api)
    api.revoked = True
    push(bot, "Come by at ten.")
    await eventually(lambda: row(bot).problem)
    await eventually(problem_of(bot))
    told = [record.getMessage() for record in caplog.records if bots.REVOKED in record.getMessage()]
    assert len(told) == 1
    report = await check(bot.settings, bot.database)
    assert not report.well
    assert report.lines[0] == bots.REVOKED
    api.revoked = False
    hurry(bot)
    assert await received(api, 1) == ["From the therapist:\nCome by at ten."]


async def test_a_long_message_cut_off_in_the_middle_goes_on_where_it_was(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    long = " ".join(f"Sentence number {number} says something." for number in range(220))
    push(bot, long)
    await eventually(lambda: last_row(bot).sent_at)
    pieces = len(api.sent)
    assert pieces >= 2
    api.sent.clear()
    with bot.database.transaction() as session:
        again = session.merge(last_row(bot))
        again.sent_at = None
        seq = session.scalars(select(TelegramSent.seq).order_by(TelegramSent.seq.desc())).first()
        session.get(TelegramSent, seq).pieces = 1
    await eventually(lambda: last_row(bot).sent_at)
    assert len(api.sent) == pieces - 1
    assert "number 219" in api.sent[-1]["text"]


async def test_the_network_away_and_back_loses_nothing(bot: Bot, api: FakeBotApi) -> None:
    port = int(api.url.rpartition(":")[2])
    await greeted(api)
    await api.stop()
    push(bot, "Come by at ten.")
    assert "reached" in await eventually(problem_of(bot))
    await api.start(port)
    await api.say(CHAT, "hello")
    hurry(bot)
    assert sorted(await received(api, 2)) == ["From the therapist:\nCome by at ten.", "You said: hello"]


async def test_a_second_program_on_the_same_bot_is_named(bot: Bot, api: FakeBotApi) -> None:
    await eventually(lambda: api.calls["getUpdates"])
    api.refusals["getUpdates"] = [refusal(409, "Conflict: terminated by other getUpdates request")]
    await api.say(CHAT, "hello")
    assert await eventually(lambda: row(bot).problem) == IN_USE
    await api.say(CHAT, "still there?")
    await received(api, 3)
    assert row(bot).problem is None


async def test_two_servers_take_turns_in_asking(make_bot: Callable[..., Bot], api: FakeBotApi) -> None:
    first = make_bot().start()
    await greeted(api)
    second = make_bot().start()
    await eventually(lambda: len(api.calls["getMe"]) == 2)
    holder = row(first).polled_by
    await api.say(CHAT, "hello")
    assert await received(api, 1) == ["You said: hello"]
    assert row(second).polled_by == holder
    await first.stop()
    await api.say(CHAT, "anybody there?")
    assert await received(api, 2) == ["You said: hello", "You said: anybody there?"]


async def test_an_update_that_cannot_be_kept_is_not_confirmed(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    with bot.database.engine.connect() as lock:
        lock.exec_driver_sql("ALTER TABLE telegram_updates RENAME TO away")
        lock.commit()
    update = await api.say(CHAT, "hello")
    await eventually(lambda: api.calls["getUpdates"][-1].get("offset") == update["update_id"], "the question")
    with bot.database.engine.connect() as lock:
        lock.exec_driver_sql("ALTER TABLE away RENAME TO telegram_updates")
        lock.commit()
    assert await received(api, 1) == ["You said: hello"]


async def test_a_clock_that_runs_wrong_changes_nothing(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    for date in (0, 2**31 - 1, 1_795_416_660_526):
        await api.push(message={**message(CHAT, 5, f"sent at {date}"), "date": date})
    assert len(await received(api, 3)) == 3


async def test_a_claim_from_a_future_that_never_was_does_not_hold_a_chat_up(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    bot.agent.ready = False
    update = await api.say(CHAT, "hello")

    def set_back() -> bool:
        with bot.database.transaction() as session:
            changed = session.execute(
                text("UPDATE telegram_updates SET claimed_until = :then, due_at = :then WHERE update_id = :id"),
                {"then": utcnow().replace(year=2099).isoformat(" "), "id": update["update_id"]},
            )
            return bool(changed.rowcount)

    await eventually(set_back)
    bot.agent.ready = True
    assert await received(api, 1) == ["You said: hello"]


async def test_neither_token_nor_words_nor_chat_are_in_the_log(
    bot: Bot, api: FakeBotApi, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="bot")
    caplog.set_level(logging.INFO)
    await greeted(api, 987654321)
    for method in ("sendMessage", "sendChatAction", "answerCallbackQuery"):
        api.refusals[method] = [refusal(500), refusal(400, "zebrafinch"), refusal(403)]
    bot.agent.broken = 2
    await api.say(987654321, "my zebrafinch hurts")
    await api.press(987654321, "zebrafinch")
    await handled(bot, api)
    await eventually(problem_of(bot))
    secret = TOKEN.partition(":")[2]
    assert caplog.records
    assert not any(word in caplog.text for word in (secret, "zebrafinch", "987654321"))


async def test_the_therapist_is_told_of_a_case_without_a_word_about_health(
    make_bot: Callable[..., Bot], api: FakeBotApi
) -> None:
    make_bot(therapist_telegram_chat="5", quiet_hours="", public_url="https://desk.example").start()
    await greeted(api)
    await api.say(CHAT, "crushing chest pain right now")
    (notice,) = await received(api, 1, chat=5)
    assert "C-" in notice
    assert "https://desk.example/desk/" in notice
    assert "chest" not in notice


class TestCheck:
    async def test_a_token_that_works_is_said_with_mode_and_last_update(self, bot: Bot, api: FakeBotApi) -> None:
        report = await check(bot.settings, bot.database)
        assert report.well
        assert report.lines == ["the token works: @harbour_bot", "mode polling", "no update has come yet"]
        await greeted(api)
        assert (await check(bot.settings, bot.database)).lines[2].startswith("last update 20")

    async def test_without_a_token_it_says_how_to_turn_it_on(self, make_bot: Callable[..., Bot], bot: Bot) -> None:
        off = bot.settings.copy(update={"telegram_bot_token": type(bot.settings.telegram_bot_token)("")})
        report = await check(off, bot.database)
        assert report.well
        assert "TELEGRAM_BOT_TOKEN" in report.lines[0]

    async def test_a_bot_api_out_of_reach_is_told_from_a_bad_token(self, bot: Bot) -> None:
        away = bot.settings.copy(update={"telegram_api_base": "http://127.0.0.1:9"})
        report = await check(away, bot.database)
        assert not report.well
        assert "cannot be reached" in report.lines[0]

    async def test_a_webhook_that_is_not_registered_is_said_to_be_so(self, bot: Bot) -> None:
        webhook = bot.settings.copy(
            update={"telegram_mode": "webhook", "telegram_webhook_url": "https://a.example/webhooks/telegram/webhook"}
        )
        report = await check(webhook, bot.database)
        assert not report.well
        assert "not registered" in report.lines[-1]
