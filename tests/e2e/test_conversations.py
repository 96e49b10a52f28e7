"""Conversations that go the same way on the website and in Telegram.

In Telegram they are held with an independent emulator of the Bot API, which
knows neither chat actions nor a list of commands; those are tested with a Bot
API of ours (tests/integration/telegram).
"""

from __future__ import annotations

import re
import sqlite3
from dataclasses import dataclass
from typing import Any, Dict, List, Union

import pytest

from tests.conftest import Client, Emulator, Running, TelegramClient

QUESTIONS = 11


@dataclass(frozen=True)
class Said:
    """A message as a client sees it, on whichever channel."""

    text: str
    source: bool
    buttons: List[str]
    link: str


class Talk:
    """A conversation on one of the channels."""

    def __init__(self, client: Union[Client, TelegramClient]) -> None:
        self._client = client

    @property
    def greeting(self) -> List[Said]:
        return [seen(message) for message in self._client.greeting]

    def say(self, words: str) -> List[Said]:
        return [seen(message) for message in self._client.say(words)]

    def press(self, title: str) -> List[Said]:
        return [seen(message) for message in self._client.press(title)]

    def answer_no(self, times: int) -> List[Said]:
        said: List[Said] = []
        for _ in range(times):
            said = self.press("No")
        return said


def seen(message: Dict[str, Any]) -> Said:
    if "chat_id" in message:
        text, source, _ = message["text"].partition("\n\nFrom the handout:")
        rows = (message.get("reply_markup") or {}).get("inline_keyboard") or []
        links = [entity["url"] for entity in message.get("entities") or [] if entity["type"] == "text_link"]
        return Said(
            text.partition("\n\nBook your")[0], bool(source), [b["text"] for row in rows for b in row], *links or [""]
        )
    token = (message["decision"] or {}).get("token")
    link = f"https://booking.example/iastm?token={token}" if token else ""
    return Said(message["text"], bool(message["sources"]), [b["title"] for b in message["buttons"]], link)


@pytest.fixture(params=["web", "telegram"])
def talk(request: pytest.FixtureRequest, assistant: Running, emulator: Emulator) -> Talk:
    """A new conversation."""
    return Talk(Client(assistant.url) if request.param == "web" else TelegramClient(assistant, emulator))


def test_the_greeting_says_what_is_speaking_and_offers_where_to_begin(talk: Talk) -> None:
    (greeting,) = talk.greeting
    assert "automated assistant" in greeting.text
    assert "medical advice" in greeting.text
    assert "Talk to the therapist" in greeting.buttons


def test_a_question_is_answered_from_the_handout_and_a_follow_up_is_understood(talk: Talk) -> None:
    (answer,) = talk.say("can I use the sauna after?")
    assert answer.text.startswith("No")
    assert answer.source
    (further,) = talk.say("for how long?")
    assert "no number of days" in further.text


def test_each_part_of_a_message_gets_its_own_answer_in_order(talk: Talk) -> None:
    pain, wear = talk.say("does it hurt? and what should I wear?")
    assert "discomfort" in pain.text
    assert "tank top" in wear.text


def test_what_the_handout_leaves_open_reaches_the_therapist_with_one_press(talk: Talk) -> None:
    (open_question,) = talk.say("how much is a session?")
    assert "Ask the therapist" in open_question.buttons
    (told,) = talk.press("Ask the therapist")
    assert re.search(r"C-\d+", told.text)


def test_a_screen_answered_no_to_the_end_opens_booking(talk: Talk) -> None:
    talk.say("start the health check")
    talk.press("Yes, that's fine")
    decided = talk.answer_no(QUESTIONS)[-1]
    assert decided.link.startswith("https://booking.example/iastm?token=")


def test_without_consent_no_screen_begins(talk: Talk) -> None:
    (asked,) = talk.say("start the health check")
    assert "store" in asked.text
    declined = talk.press("No")[-1]
    assert "Talk to the therapist" in declined.buttons


def test_a_question_in_the_middle_of_a_screen_is_answered_and_the_screen_goes_on(talk: Talk) -> None:
    talk.say("start the health check")
    asked = talk.press("Yes, that's fine")[-1]
    answer, again = talk.say("does it hurt?")
    assert "discomfort" in answer.text
    assert (again.text, again.buttons) == (asked.text, asked.buttons)


def test_words_answer_a_question_like_a_button(talk: Talk) -> None:
    talk.say("start the health check")
    asked = talk.press("Yes, that's fine")[-1]
    assert talk.say("nope, never")[-1].text != asked.text


def test_a_yes_gets_its_follow_up_and_the_outcome_a_case(talk: Talk) -> None:
    talk.say("start the health check")
    talk.press("Yes, that's fine")
    talk.press("Yes")
    talk.press("Out for less than 6 weeks")
    decided = talk.say("left knee")[-1]
    assert "online" in decided.text
    assert re.search(r"C-\d+", decided.text)
    assert decided.link == ""


def test_an_emergency_in_the_middle_of_a_screen_ends_it(talk: Talk) -> None:
    talk.say("start the health check")
    talk.press("Yes, that's fine")
    talk.press("No")
    (alarm,) = talk.say("I have crushing chest pain right now")
    assert "999" in alarm.text
    assert all("?" not in said.text or not said.buttons for said in talk.say("thanks"))


def test_while_the_therapist_has_taken_over_only_an_emergency_is_answered(talk: Talk, assistant: Running) -> None:
    (told,) = talk.say("I want to talk to a person")
    found = re.search(r"C-(\d+)", told.text)
    assert found
    with sqlite3.connect(assistant.var / "assistant.db") as database:
        database.execute("UPDATE cases SET status = 'taken_over' WHERE number = ?", (found[1],))
    assert talk.say("can I use the sauna after?") == []
    (alarm,) = talk.say("I can't breathe and my lips are swelling")
    assert "999" in alarm.text


def test_everything_is_deleted_when_the_client_confirms_it(talk: Talk, assistant: Running) -> None:
    talk.say("my marmalade told me to come")
    (asked,) = talk.say("delete my data")
    (gone,) = talk.press(asked.buttons[0])
    assert gone.buttons == []
    with sqlite3.connect(assistant.var / "assistant.db") as database:
        (left,) = database.execute("SELECT COUNT(*) FROM messages WHERE text LIKE '%marmalade%'").fetchone()
    assert left == 0
