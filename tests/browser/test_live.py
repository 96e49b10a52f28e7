"""What reaches a client by itself, over breaks and restarts, and a conversation that has become long."""

from __future__ import annotations

import os
import re
import secrets
import signal
from typing import Iterator, List

import httpx
import jwt
import pytest
from playwright.sync_api import BrowserContext, expect

from bot.booking import BookingTokens, new_signing_key
from bot.channels.tokens import AUDIENCE
from bot.dialogue.casework import Casework
from bot.dialogue.message import Message
from bot.dialogue.transcript import add_messages
from bot.escalation import open_case_of
from bot.handout import Handout
from bot.settings import Settings
from bot.store.database import Database
from bot.store.secrets import shared_secret
from tests.browser.conftest import Chat
from tests.conftest import Running

LONG = 300


class Desk:
    """The therapist at work on the running assistant's database, in a process of their own."""

    def __init__(self, assistant: Running) -> None:
        self.database = Database(f"sqlite:///{assistant.var / 'assistant.db'}")
        key = shared_secret(self.database, "booking_tokens", new_signing_key)
        settings = Settings(
            _env_file=None, booking_url="https://booking.example/iastm", practice_name="Harbour Therapy"
        )
        self._work = Casework(Handout.load(), settings, BookingTokens(key), validity_days=30)

    @staticmethod
    def conversation(chat: Chat) -> str:
        claims = jwt.decode(chat.token() or "", options={"verify_signature": False}, audience=AUDIENCE)
        return str(claims["sub"])

    def answer(self, chat: Chat, words: str) -> None:
        with self.database.transaction() as session:
            case = open_case_of(session, self.conversation(chat))
            assert case is not None
            self._work.reply(session, case.number, words, "maria", secrets.token_hex(8))

    def close(self, chat: Chat) -> None:
        with self.database.transaction() as session:
            case = open_case_of(session, self.conversation(chat))
            assert case is not None
            self._work.close(session, case.number, "", "maria")


@pytest.fixture
def desk(assistant: Running) -> Desk:
    return Desk(assistant)


def with_case(chat: Chat) -> None:
    chat.open()
    chat.press("Talk to the therapist")
    expect(chat.of("escalation")).to_have_count(1)


def test_the_therapists_words_arrive_by_themselves_and_are_a_persons(chat: Chat, desk: Desk) -> None:
    with_case(chat)
    desk.answer(chat, "Hello, this is Maria. <b>Is it still sore?</b>")
    theirs = chat.page.locator("iastm-chat li.from-therapist")
    expect(theirs).to_contain_text("<b>Is it still sore?</b>", timeout=15_000)
    expect(theirs.locator(".speaker")).to_contain_text(re.compile(r"The therapist\s+a person"))
    expect(chat.dialog.locator(".head")).to_contain_text("the therapist has answered")
    chat.say("yes, a little")
    expect(chat.mine).to_have_count(2)
    expect(chat.page.locator(".typing")).to_have_count(0)
    desk.close(chat)
    expect(chat.of("notice").last).to_contain_text("I'm back", timeout=15_000)


def test_words_that_come_while_the_client_is_away_are_there_afterwards_once(
    chat: Chat, desk: Desk, context: BrowserContext
) -> None:
    with_case(chat)
    context.set_offline(True)
    desk.answer(chat, "Please come in at ten.")
    context.set_offline(False)
    expect(chat.page.locator("iastm-chat li.from-therapist")).to_have_count(1, timeout=15_000)
    chat.page.reload()
    expect(chat.page.locator("iastm-chat li.from-therapist")).to_have_count(1)


def test_one_tab_listens_for_all_and_all_show_it(chat: Chat, desk: Desk, context: BrowserContext) -> None:
    asked: List[str] = []
    context.on("request", lambda request: asked.append(request.url))
    with_case(chat)
    other = Chat(context.new_page())
    other.page.goto(chat.page.url)
    other.open()
    desk.answer(chat, "Please come in at ten.")
    for tab in (chat, other):
        expect(tab.page.locator("iastm-chat li.from-therapist")).to_have_count(1, timeout=15_000)
    assert sum(url.endswith("/chat/events") for url in asked) == 1


def test_a_closed_chat_counts_what_has_come(chat: Chat, desk: Desk) -> None:
    with_case(chat)
    chat.page.keyboard.press("Escape")
    desk.answer(chat, "Please come in at ten.")
    # the notice that the therapist has joined, and their words
    expect(chat.page.get_by_role("button", name="2 unread messages")).to_be_visible(timeout=15_000)


def test_a_server_that_restarts_in_the_middle_loses_nothing(chat: Chat, assistant: Running) -> None:
    chat.open()
    chat.say("does it hurt?")
    expect(chat.of("answer")).to_have_count(1)
    os.kill(assistant.children()["serve"], signal.SIGKILL)
    chat.say("what should I wear?")
    expect(chat.dialog.get_by_text("cannot be reached right now")).to_be_visible()
    expect(chat.of("answer").last).to_contain_text("tank top", timeout=120_000)
    expect(chat.mine).to_have_count(2)
    chat.page.reload()
    expect(chat.of("answer")).to_have_count(2)
    assert httpx.get(f"{assistant.url}/health").status_code == 200


@pytest.fixture
def long_chat(chat: Chat, desk: Desk) -> Iterator[Chat]:
    chat.open()
    with desk.database.transaction() as session:
        for number in range(LONG // 2):
            said = Message(f"Question number {number}", "notice").as_dict()
            told = Message(f"Answer number {number}. " + "Some discomfort is normal. " * 8, "answer").as_dict()
            add_messages(session, desk.conversation(chat), [said], sender="client")
            add_messages(session, desk.conversation(chat), [told])
    chat.page.reload()
    expect(chat.messages).to_have_count(LONG + 1)
    return chat


def test_a_long_conversation_begins_at_its_end_and_draws_only_what_is_seen(long_chat: Chat) -> None:
    expect(long_chat.messages.last).to_be_in_viewport()
    drawn = long_chat.messages.evaluate_all(
        "(all) => all.filter((one) => one.firstElementChild.checkVisibility({ contentVisibilityAuto: true })).length"
    )
    assert 0 < drawn < 60
    long_chat.page.get_by_label("Conversation", exact=True).evaluate("(log) => log.scrollTo(0, 0)")
    expect(long_chat.messages.first).to_be_in_viewport()


def test_who_reads_further_up_is_not_pulled_away_by_a_new_message(long_chat: Chat, desk: Desk) -> None:
    log = long_chat.page.get_by_label("Conversation", exact=True)
    log.evaluate("(log) => log.scrollTo(0, 0)")
    with desk.database.transaction() as session:
        told = Message("The therapist will call you.", "notice").as_dict()
        add_messages(session, desk.conversation(long_chat), [told], sender="therapist", pushed=True)
    below = long_chat.page.get_by_role("button", name="New messages below")
    expect(below).to_be_visible(timeout=15_000)
    expect(long_chat.messages.first).to_be_in_viewport()
    below.click()
    expect(long_chat.messages.last).to_be_in_viewport()
    expect(below).to_have_count(0)
