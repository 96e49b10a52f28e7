"""Reaching the therapist: cases, once per conversation, before the client is told."""

from __future__ import annotations

import pytest

from tests.conftest import Client, Running


@pytest.mark.parametrize(
    "words",
    [
        "I want to talk to a person",
        "I'm not happy with how I was treated yesterday",
        "the bruise is still dark purple after 8 days",
    ],
)
def test_a_person_is_brought_in_with_a_case_number(client: Client, words: str) -> None:
    message = client.say(words)[-1]
    assert message["kind"] == "escalation"
    assert message["case"].startswith("C-")
    assert message["case"] in message["text"]


def test_a_question_is_passed_on_only_when_the_client_wants_it(client: Client, assistant: Running) -> None:
    (offered,) = client.say("how much is a session?")
    assert offered["case"] is None
    (passed,) = client.press("Ask the therapist")
    assert passed["kind"] == "escalation"
    assert passed["case"] in assistant.command("cases").stdout


def test_a_yes_after_the_offer_passes_the_question_on(client: Client) -> None:
    client.say("how much is a session?")
    assert client.say("yes please")[-1]["kind"] == "escalation"


def test_a_no_after_the_offer_passes_nothing_on(client: Client) -> None:
    client.say("how much is a session?")
    assert client.say("no thanks")[-1]["case"] is None


def test_later_reasons_are_added_to_the_open_case(client: Client) -> None:
    first = client.say("I want to talk to a person")[-1]["case"]
    client.say("how much is it?")
    assert client.press("Ask the therapist")[-1]["case"] == first


def test_the_case_list_shows_urgent_cases_first_and_no_word_of_a_client(
    client: Client, assistant: Running, new_client: object
) -> None:
    client.say("please let me speak to a human about my purple elephant")
    Client(assistant.url).say("crushing chest pain right now")
    listed = assistant.command("cases")
    assert listed.returncode == 0
    rows = listed.stdout.splitlines()[1:]
    assert rows[0].split()[1] == "urgent"
    assert "elephant" not in listed.stdout


@pytest.mark.parametrize(
    ("words", "source"),
    [
        ("I'm on warfarin, can you still do my back?", ["modified"]),
        ("I have stage 3 kidney disease", ["contraindications"]),
        ("I'm 20 weeks pregnant, is that ok", []),
    ],
)
def test_a_condition_in_chat_is_placed_on_its_list_and_never_cleared(
    client: Client, words: str, source: list[str]
) -> None:
    message = next(message for message in client.say(words) if message["kind"] == "condition")
    assert message["sources"] == source
    titles = [button["title"] for button in message["buttons"]]
    assert "Start the health screen" in titles


def test_a_relatives_illness_is_not_the_clients(client: Client) -> None:
    messages = client.say("my dad has kidney disease, does it hurt?")
    assert all(message["sources"] != ["contraindications"] for message in messages)


@pytest.mark.parametrize(
    "words",
    [
        "crushing chest pain and my left arm is numb",
        "I cant breathe properly since I got home",
        "one side of my face is drooping",
        "my calf is hot, red and swollen on one side since the flight",
        "I dont want to live anymore",
    ],
)
def test_an_alarm_is_answered_before_anything_else(client: Client, words: str) -> None:
    (message,) = client.say(words)
    assert message["kind"] == "emergency"
    assert "999" in message["text"]
    assert message["case"]


@pytest.mark.parametrize(
    "words",
    [
        "this price is giving me a heart attack lol",
        "tight chest muscles from bench press",
        "my gran had a stroke years ago",
    ],
)
def test_what_only_sounds_alarming_is_no_alarm(client: Client, words: str) -> None:
    assert all(message["kind"] != "emergency" for message in client.say(words))
