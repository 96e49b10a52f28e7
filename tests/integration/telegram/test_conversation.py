"""Talking to the bot: what it answers, and what it does not take for a message."""

from __future__ import annotations

from typing import Any, Callable, Dict, List

import pytest
from sqlalchemy import select

from bot.dialogue.message import Message
from bot.dialogue.transcript import add_messages
from bot.escalation.cases import TAKEN_OVER
from bot.handout import Handout
from bot.store.models import Case, CaseReason, Conversation, StoredMessage, TelegramChat, TelegramSent, TelegramUpdate
from bot.telegram import chats
from bot.telegram.handling import ATTEMPTS
from bot.telegram.updates import COMMANDS
from tests.integration.telegram.conftest import CHAT, Bot, conversation, eventually, greeted, handled, received
from tests.integration.telegram.fake import FakeBotApi, message

HANDOUT = Handout.load()


def buttons(sent: Dict[str, Any]) -> Dict[str, str]:
    return {row[0]["text"]: row[0]["callback_data"] for row in sent["reply_markup"]["inline_keyboard"]}


def reasons(bot: Bot) -> List[str]:
    with bot.database.reading() as session:
        return list(session.scalars(select(CaseReason.reason).order_by(CaseReason.id)))


async def test_the_first_message_is_greeted_and_answered(bot: Bot, api: FakeBotApi) -> None:
    await api.say(CHAT, "does it hurt?")
    greeting, answer = await received(api, 2)
    assert "automated assistant" in greeting
    assert answer == "You said: does it hurt?"


async def test_the_conversations_id_is_not_the_chats_number(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    assert str(CHAT) not in conversation(bot)
    assert len(conversation(bot)) >= 32


async def test_two_chats_have_two_conversations(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api, 1)
    await greeted(api, 2)
    assert conversation(bot, 1) != conversation(bot, 2)


async def test_the_bot_shows_that_it_is_typing(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    await api.say(CHAT, "hello")
    await received(api, 1)
    await eventually(lambda: {"chat_id": CHAT, "action": "typing"} in api.calls["sendChatAction"], "typing")


async def test_an_emergency_is_answered_at_once_and_opens_an_urgent_case(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    await api.say(CHAT, "crushing chest pain right now")
    (alarm,) = await received(api, 1)
    assert "999" in alarm
    assert bot.agent.heard == []
    assert reasons(bot) == ["emergency"]


async def test_while_the_therapist_has_taken_over_the_bot_neither_answers_nor_types(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    number = bot.open_case(conversation(bot))
    with bot.database.transaction() as session:
        session.get(Case, number).status = TAKEN_OVER
    await api.say(CHAT, "are you there?")
    await handled(bot, api)
    assert api.sent == []
    assert api.calls["sendChatAction"] == []
    with bot.database.reading() as session:
        assert "are you there?" in session.scalars(select(StoredMessage.text)).all()


async def test_even_then_an_emergency_is_answered(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    number = bot.open_case(conversation(bot))
    with bot.database.transaction() as session:
        session.get(Case, number).status = TAKEN_OVER
    await api.say(CHAT, "crushing chest pain right now")
    assert "999" in (await received(api, 1))[0]


async def test_what_the_therapist_writes_arrives_as_from_a_person(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    with bot.database.transaction() as session:
        said = Message("Come by at ten.", "answer").as_dict()
        add_messages(session, conversation(bot), [said], sender="therapist", pushed=True)
    assert await received(api, 1) == ["From the therapist:\nCome by at ten."]


@pytest.mark.parametrize("kind", ["photo", "voice", "sticker", "document", "contact", "location"])
async def test_what_cannot_be_read_is_said_to_be_so_with_whom_to_call(bot: Bot, api: FakeBotApi, kind: str) -> None:
    await greeted(api)
    await api.say(CHAT, **{kind: {"file_id": "x"}})
    (told,) = await received(api, 1)
    assert "text only" in told
    assert "020 7946 0000" in told
    assert bot.agent.heard == []


async def test_words_below_a_photo_are_answered_after_that(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    await api.say(CHAT, photo=[{"file_id": "x"}], caption="is this normal?")
    told, answer = await received(api, 2)
    assert "text only" in told
    assert answer == "You said: is this normal?"


async def test_an_edited_message_is_no_turn(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    await api.push(edited_message=message(CHAT, 5, "something else"))
    assert await received(api, 1) == [HANDOUT.say("telegram.edited")]
    assert bot.agent.heard == []


async def test_an_emergency_is_one_in_an_edited_message_too(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    await api.push(edited_message=message(CHAT, 5, "crushing chest pain right now"))
    assert "999" in (await received(api, 1))[0]


async def test_a_message_that_is_too_long_is_asked_for_in_parts(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    await api.say(CHAT, "x" * 100_000)
    assert await received(api, 1) == [HANDOUT.say("telegram.too_long", limit="2,000")]


async def test_an_emergency_is_found_in_a_message_that_is_too_long(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    await api.say(CHAT, "I had a session last week. " * 100 + "I have crushing chest pain right now.")
    assert "999" in (await received(api, 1))[0]


async def test_a_group_is_told_once_and_nothing_of_it_is_kept(bot: Bot, api: FakeBotApi) -> None:
    group = {"id": -100, "type": "supergroup", "title": "Family"}
    for text in ("hello bot", "/start", "I have cancer"):
        await api.push(message={"message_id": 1, "date": 1, "chat": group, "text": text})
    await handled(bot, api)
    assert api.to(-100) == [HANDOUT.say("telegram.private_only")]
    assert bot.agent.heard == []
    with bot.database.reading() as session:
        assert session.scalars(select(Conversation)).all() == []
        assert session.scalars(select(TelegramUpdate.raw)).all() == [None] * 3
        assert session.scalars(select(TelegramUpdate.chat_id)).all() == [None] * 3


async def test_an_update_delivered_again_is_answered_once(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    update = await api.say(CHAT, "hello")
    await received(api, 1)
    await api.push(**update)
    await api.say(CHAT, "and now?")
    assert await received(api, 2) == ["You said: hello", "You said: and now?"]


async def test_also_after_a_restart(bot: Bot, api: FakeBotApi, make_bot: Callable[..., Bot]) -> None:
    await greeted(api)
    update = await api.say(CHAT, "hello")
    await received(api, 1)
    await bot.stop()
    await api.push(**update)
    await api.say(CHAT, "and now?")
    make_bot().start()
    assert await received(api, 2) == ["You said: hello", "You said: and now?"]


async def test_what_a_client_said_and_who_it_was_is_dropped_once_it_is_handled(bot: Bot, api: FakeBotApi) -> None:
    await api.say(CHAT, "hello")
    await received(api, 2)
    await handled(bot, api)
    with bot.database.reading() as session:
        (row,) = session.scalars(select(TelegramUpdate)).all()
        assert (row.raw, row.chat_id) == (None, None)


async def test_a_part_that_fails_is_waited_for_and_the_order_is_kept(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    bot.agent.broken = 1
    await api.say(CHAT, "first")
    await api.say(CHAT, "second")
    assert await received(api, 2) == ["You said: first", "You said: second"]
    with bot.database.reading() as session:
        said = session.scalars(select(StoredMessage.text).where(StoredMessage.sender == "client")).all()
    assert said == ["first", "second"]


async def test_one_that_fails_again_and_again_reaches_the_therapist_and_lets_the_next_through(
    bot: Bot, api: FakeBotApi
) -> None:
    await greeted(api)
    bot.agent.broken = 1
    update = await api.say(CHAT, "something that breaks it")

    def tried_often() -> bool:
        with bot.database.transaction() as session:
            row = session.get(TelegramUpdate, update["update_id"])
            if row is None or row.due_at is None or row.claimed_until is not None:
                return False
            row.attempts, row.due_at = ATTEMPTS - 1, None
            bot.agent.broken = 1
            return True

    await eventually(tried_often, "the first attempt")
    await api.say(CHAT, "next")
    told, answer = await received(api, 2)
    assert "C-" in told
    assert answer == "You said: next"
    with bot.database.reading() as session:
        (reason,) = session.scalars(select(CaseReason)).all()
        assert reason.words == "something that breaks it"


async def test_nothing_is_taken_before_the_model_is_loaded(bot: Bot, api: FakeBotApi) -> None:
    bot.agent.ready = False
    update = await api.say(CHAT, "hello")

    def kept() -> Any:
        with bot.database.reading() as session:
            return session.get(TelegramUpdate, update["update_id"])

    assert (await eventually(kept, "the update")).done_at is None
    bot.agent.ready = True
    assert (await received(api, 2))[1] == "You said: hello"


class TestButtons:
    async def choice(self, bot: Bot, api: FakeBotApi) -> Dict[str, Any]:
        await greeted(api)
        await api.say(CHAT, "choose")
        await received(api, 1)
        return api.sent[-1]

    async def test_a_press_says_what_its_payload_means(self, bot: Bot, api: FakeBotApi) -> None:
        asked = await self.choice(bot, api)
        await api.press(CHAT, buttons(asked)["Yes"], asked["message_id"])
        await received(api, 2)
        assert bot.agent.heard[-1] == "/affirm" + "x" * 100

    async def test_a_press_is_acknowledged_and_what_was_chosen_is_marked(self, bot: Bot, api: FakeBotApi) -> None:
        asked = await self.choice(bot, api)
        await api.press(CHAT, buttons(asked)["No"], asked["message_id"])
        await eventually(lambda: api.calls["editMessageReplyMarkup"], "the mark")
        (marked,) = api.calls["editMessageReplyMarkup"]
        assert marked["message_id"] == asked["message_id"]
        assert [row[0]["text"] for row in marked["reply_markup"]["inline_keyboard"]] == ["✓ No"]
        assert len(api.calls["answerCallbackQuery"]) == 1

    async def test_a_second_press_has_no_effect_and_says_so(self, bot: Bot, api: FakeBotApi) -> None:
        asked = await self.choice(bot, api)
        await api.press(CHAT, buttons(asked)["Yes"], asked["message_id"])
        await api.press(CHAT, buttons(asked)["No"], asked["message_id"])
        await handled(bot, api)
        assert bot.agent.heard[1:] == ["/affirm" + "x" * 100]
        told = [call.get("text") for call in api.calls["answerCallbackQuery"]]
        assert told == [None, HANDOUT.say("telegram.used_button")]

    async def test_the_mark_itself_can_be_pressed_without_effect(self, bot: Bot, api: FakeBotApi) -> None:
        await self.choice(bot, api)
        await api.press(CHAT, "taken")
        await handled(bot, api)
        assert api.calls["answerCallbackQuery"][0]["text"] == HANDOUT.say("telegram.used_button")
        assert len(bot.agent.heard) == 1

    @pytest.mark.parametrize("data", ["", "/human", "1.0'; DROP TABLE offers", "999999.0", "x" * 64])
    async def test_data_that_was_never_sent_does_nothing(self, bot: Bot, api: FakeBotApi, data: str) -> None:
        await greeted(api)
        await api.press(CHAT, data)
        await handled(bot, api)
        assert api.calls["answerCallbackQuery"][0]["text"] == HANDOUT.say("message.stale_button")
        assert (bot.agent.heard, api.sent) == ([], [])

    async def test_a_button_of_somebody_elses_conversation_does_nothing(self, bot: Bot, api: FakeBotApi) -> None:
        asked = await self.choice(bot, api)
        await greeted(api, 2)
        await api.press(2, buttons(asked)["Yes"], asked["message_id"])
        await handled(bot, api)
        assert len(bot.agent.heard) == 1
        assert api.to(2) == []

    async def test_a_place_that_the_message_does_not_have_does_nothing(self, bot: Bot, api: FakeBotApi) -> None:
        asked = await self.choice(bot, api)
        await api.press(CHAT, buttons(asked)["Yes"].replace(".0", ".7"), asked["message_id"])
        await handled(bot, api)
        assert len(bot.agent.heard) == 1

    async def test_a_press_that_cannot_be_acknowledged_any_more_still_counts(self, bot: Bot, api: FakeBotApi) -> None:
        asked = await self.choice(bot, api)
        api.refusals["answerCallbackQuery"] = [
            {"ok": False, "error_code": 400, "description": "Bad Request: query is too old"}
        ]
        await api.press(CHAT, buttons(asked)["Yes"], asked["message_id"])
        await received(api, 2)
        assert len(bot.agent.heard) == 2


class TestCommands:
    async def test_they_are_registered_with_telegram(self, bot: Bot, api: FakeBotApi) -> None:
        await eventually(lambda: api.calls["setMyCommands"], "the commands")
        listed = api.calls["setMyCommands"][0]["commands"]
        assert [one["command"] for one in listed] == list(COMMANDS)
        assert all(3 <= len(one["description"]) <= 256 for one in listed)

    async def test_start_greets_every_time(self, bot: Bot, api: FakeBotApi) -> None:
        await api.say(CHAT, "/start")
        await api.say(CHAT, "/start")
        first, second = await received(api, 2)
        assert first == second

    async def test_help_names_the_commands_and_whom_to_call(self, bot: Bot, api: FakeBotApi) -> None:
        await greeted(api)
        await api.say(CHAT, "/help")
        (told,) = await received(api, 1)
        assert all(name in told for name in ("/human", "/stop", "/delete", "020 7946 0000", "999"))

    async def test_human_is_the_button_for_the_therapist(self, bot: Bot, api: FakeBotApi) -> None:
        await api.say(CHAT, "/human")
        await received(api, 2)
        assert bot.agent.heard == ["/human"]

    async def test_stop_ends_what_nobody_asked_for(self, bot: Bot, api: FakeBotApi) -> None:
        await greeted(api)
        number = bot.open_case(conversation(bot))
        await api.say(CHAT, "/stop")
        assert await received(api, 1) == [HANDOUT.say("telegram.stopped")]
        with bot.database.transaction() as session:
            add_messages(session, conversation(bot), [Message("How are the marks?", "question").as_dict()], pushed=True)
        await eventually(lambda: "unreachable" in reasons(bot), "a note in the case")
        assert len(api.sent) == 1
        with bot.database.reading() as session:
            assert session.get(Case, number).status == "open"

    async def test_whoever_writes_after_stop_is_answered_and_reached_again(self, bot: Bot, api: FakeBotApi) -> None:
        await greeted(api)
        await api.say(CHAT, "/stop")
        await api.say(CHAT, "one more thing")
        assert (await received(api, 2))[1] == "You said: one more thing"
        with bot.database.transaction() as session:
            add_messages(session, conversation(bot), [Message("See you.", "answer").as_dict()], pushed=True)
        assert (await received(api, 3))[2] == "See you."

    @pytest.mark.parametrize("asked", ["/help", "x" * 3000])
    async def test_what_is_said_about_the_channel_arrives_after_stop_too(
        self, bot: Bot, api: FakeBotApi, asked: str
    ) -> None:
        await greeted(api)
        await api.say(CHAT, "/stop")
        await received(api, 1)
        await api.say(CHAT, asked)
        await received(api, 2)


class TestLinks:
    async def web_conversation(self, bot: Bot) -> str:
        await bot.turns.open("from-the-website", "chat")
        return "from-the-website"

    def link(self, bot: Bot, conversation_id: str, **now: Any) -> str:
        with bot.database.transaction() as session:
            return chats.new_link(session, conversation_id, **now)

    async def test_a_link_continues_the_conversation_with_what_was_asked_last(self, bot: Bot, api: FakeBotApi) -> None:
        web = await self.web_conversation(bot)
        await api.say(CHAT, f"/start {self.link(bot, web)}")
        told, again = await received(api, 2)
        assert told == HANDOUT.say("telegram.linked")
        assert "automated assistant" in again
        assert conversation(bot) == web
        await api.press(CHAT, buttons(api.sent[-1])["Talk to the therapist"], api.sent[-1]["message_id"])
        await received(api, 3)
        assert bot.agent.heard == ["/human"]

    async def test_a_link_works_once(self, bot: Bot, api: FakeBotApi) -> None:
        token = self.link(bot, await self.web_conversation(bot))
        await api.say(CHAT, f"/start {token}")
        await received(api, 2)
        await api.say(2, f"/start {token}")
        expired, _ = await received(api, 2, chat=2)
        assert expired == HANDOUT.say("telegram.link_expired")
        assert conversation(bot, 2) != conversation(bot)

    async def test_a_link_is_good_for_a_quarter_of_an_hour(self, bot: Bot) -> None:
        web = await self.web_conversation(bot)
        with bot.database.transaction() as session:
            sent = session.scalars(select(Conversation.created_at)).one()
            late, in_time = chats.new_link(session, web, sent), ""
            assert chats.redeem(session, late, sent + chats.LINK_LIFE) is None
            in_time = chats.new_link(session, web, sent)
            assert chats.redeem(session, in_time, sent + chats.LINK_LIFE * 0.99) == web

    async def test_a_link_of_an_older_day_greets_a_stranger_as_new(self, bot: Bot, api: FakeBotApi) -> None:
        await api.say(CHAT, "/start no-such-token")
        expired, greeting = await received(api, 2)
        assert expired == HANDOUT.say("telegram.link_expired")
        assert "automated assistant" in greeting

    async def test_the_token_fits_into_a_link_and_is_not_kept(self, bot: Bot) -> None:
        token = self.link(bot, await self.web_conversation(bot))
        assert 20 <= len(token) <= 64
        with bot.database.engine.connect() as connection:
            kept = connection.exec_driver_sql("SELECT * FROM telegram_links").fetchall()
        assert token not in str(kept)

    async def test_messages_for_an_earlier_conversation_still_reach_the_chat(self, bot: Bot, api: FakeBotApi) -> None:
        await greeted(api)
        earlier = conversation(bot)
        await api.say(CHAT, f"/start {self.link(bot, await self.web_conversation(bot))}")
        await received(api, 2)
        with bot.database.transaction() as session:
            add_messages(
                session, earlier, [Message("About your case.", "answer").as_dict()], sender="therapist", pushed=True
            )
        assert (await received(api, 3))[2].endswith("About your case.")


async def test_a_conversation_that_is_deleted_leaves_no_trace_of_the_chat(bot: Bot, api: FakeBotApi) -> None:
    await greeted(api)
    await handled(bot, api)
    with bot.database.transaction() as session:
        session.delete(session.get(Conversation, conversation(bot)))
    with bot.database.reading() as session:
        for table in (TelegramChat, TelegramSent, StoredMessage):
            assert session.scalars(select(table)).all() == []
    await api.say(CHAT, "hello again")
    assert "automated assistant" in (await received(api, 1))[0]
