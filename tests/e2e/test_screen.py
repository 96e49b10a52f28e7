"""The contraindication screen in chat, as clients go through it."""

from __future__ import annotations

import sqlite3
from typing import Any, Dict, List

from tests.conftest import Client, Running

QUESTIONS = 11


def begin(client: Client) -> Dict[str, Any]:
    """Start a screen and consent; returns the first question."""
    client.say("start the health check")
    return client.press("Yes, that's fine")[-1]


def last(messages: List[Dict[str, Any]]) -> Dict[str, Any]:
    return messages[-1]


def answer_no(client: Client, times: int) -> Dict[str, Any]:
    for _ in range(times):
        client.press("No")
    return last(client.last)


def test_a_client_who_says_no_to_everything_may_book(client: Client) -> None:
    assert begin(client)["kind"] == "question"
    decided = answer_no(client, QUESTIONS)
    assert decided["kind"] == "decision"
    decision = decided["decision"]
    assert decision["outcome"] == "eligible"
    assert decision["unanswered"] == []
    assert decision["token"]
    assert decided["case"] is None
    assert {finding["status"] for finding in decision["findings"]} == {"absent"}


def test_consent_comes_first_and_without_it_no_answer_is_kept(client: Client, assistant: Running) -> None:
    client.say("start the health check")
    (asked,) = client.last
    assert "store" in asked["text"]
    told = last(client.press("No"))
    assert told["kind"] == "notice"
    assert "Talk to the therapist" in [button["title"] for button in told["buttons"]]
    with sqlite3.connect(assistant.var / "assistant.db") as database:
        states = database.execute("SELECT state FROM screens WHERE status = 'declined'").fetchall()
    assert states
    assert all('"answers": {}' in state for (state,) in states)


def test_words_are_taken_as_answers_like_buttons(client: Client) -> None:
    begin(client)
    first = client.last[-1]["text"]
    assert last(client.say("nope, never"))["text"] != first


def test_a_yes_gets_its_follow_up_before_the_outcome_is_told(client: Client) -> None:
    begin(client)
    asked = last(client.press("Yes"))
    assert asked["kind"] == "question"
    client.press("Out for less than 6 weeks")
    decided = last(client.say("left knee"))
    assert decided["decision"]["outcome"] == "not_eligible"
    assert decided["case"].startswith("C-")
    assert "online" in decided["text"]
    assert "never" not in decided["text"]


def test_controlled_blood_pressure_may_book_with_a_note_for_the_therapist(client: Client) -> None:
    begin(client)
    client.press("No")
    client.press("Yes")
    client.press("Yes and it was below")
    decided = answer_no(client, QUESTIONS - 2)
    assert decided["decision"]["outcome"] == "eligible"


def test_not_knowing_whether_blood_pressure_is_controlled_goes_to_the_therapist(client: Client) -> None:
    begin(client)
    client.press("No")
    client.press("Yes")
    client.press("I don't know")
    assert answer_no(client, QUESTIONS - 2)["decision"]["outcome"] == "review"


def test_not_sure_is_never_a_no(client: Client) -> None:
    begin(client)
    client.press("I'm not sure")
    decided = answer_no(client, QUESTIONS - 1)
    assert decided["decision"]["outcome"] == "review"
    assert decided["case"]


def test_a_skipped_question_counts_as_not_sure(client: Client) -> None:
    begin(client)
    client.say("skip this one")
    assert answer_no(client, QUESTIONS - 1)["decision"]["outcome"] == "review"


def test_free_words_at_the_end_are_read(client: Client) -> None:
    begin(client)
    answer_no(client, QUESTIONS - 1)
    decided = last(client.say("I'm 20 weeks pregnant"))
    assert decided["decision"]["outcome"] == "review"
    assert any("pregnan" in finding["evidence"].lower() for finding in decided["decision"]["findings"])


def test_words_that_contradict_an_answer_go_to_the_therapist(client: Client) -> None:
    begin(client)
    answer_no(client, QUESTIONS - 1)
    decided = last(client.say("I take warfarin"))
    assert decided["decision"]["outcome"] in ("review", "modified")
    assert decided["decision"]["outcome"] == "review"


def test_a_condition_told_before_the_screen_still_counts(client: Client) -> None:
    client.say("I have chronic kidney disease, can I come?")
    begin(client)
    decided = answer_no(client, 1)
    assert decided["decision"]["outcome"] == "not_eligible"


def test_a_question_in_between_is_answered_and_the_same_question_asked_again(client: Client) -> None:
    asked = begin(client)
    answered, again = client.say("does it hurt?")
    assert answered["kind"] == "answer"
    assert answered["sources"] == ["pain"]
    assert again["text"] == asked["text"]
    assert again["kind"] == "question"


def test_asking_why_gives_the_reason_and_keeps_the_question(client: Client) -> None:
    asked = begin(client)
    reason, again = client.say("why do you ask?")
    assert reason["kind"] == "notice"
    assert again["text"] == asked["text"]


def test_going_back_asks_the_question_before_again(client: Client) -> None:
    asked = begin(client)
    client.press("No")
    assert last(client.say("go back"))["text"] == asked["text"]


def test_an_earlier_questions_button_corrects_that_answer(client: Client) -> None:
    asked = begin(client)
    yes = next(button["payload"] for button in asked["buttons"] if button["title"] == "Yes")
    client.press("No")
    followed = client.post({"payload": yes}).json()["messages"]
    assert "still in" in str(followed[-1]["buttons"]).lower()


def test_stopping_decides_nothing(client: Client) -> None:
    begin(client)
    client.press("Yes")
    told = last(client.say("stop the check please"))
    assert told["decision"] is None
    assert told["kind"] != "question"


def test_a_button_of_a_finished_screen_changes_nothing(client: Client) -> None:
    asked = begin(client)
    no = next(button["payload"] for button in asked["buttons"] if button["title"] == "No")
    answer_no(client, QUESTIONS)
    told = client.post({"payload": no}).json()["messages"]
    assert [message["kind"] for message in told] == ["notice"]


def test_an_alarm_in_the_middle_ends_the_screen_as_urgent(client: Client, assistant: Running) -> None:
    begin(client)
    client.press("No")
    alarm = last(client.say("I have crushing chest pain right now"))
    assert alarm["kind"] == "emergency"
    with sqlite3.connect(assistant.var / "assistant.db") as database:
        outcomes = database.execute(
            "SELECT outcome FROM decisions ORDER BY decided_at DESC, rowid DESC LIMIT 1"
        ).fetchall()
    assert outcomes == [("urgent",)]
    assert all(message["kind"] != "question" for message in client.say("no"))


def test_the_decision_is_kept_with_words_rule_and_validity(client: Client, assistant: Running) -> None:
    begin(client)
    answer_no(client, QUESTIONS - 1)
    decision = last(client.say("I had a hip replacement in March"))["decision"]
    with sqlite3.connect(assistant.var / "assistant.db") as database:
        kept = database.execute(
            "SELECT outcome, rules_version, valid_until FROM decisions WHERE id = ?", (decision["id"],)
        ).fetchone()
        words = database.execute(
            "SELECT evidence, source, rule FROM findings WHERE decision_id = ? AND origin = 'text'", (decision["id"],)
        ).fetchall()
    assert kept[:2] == (decision["outcome"], decision["rules_version"])
    assert kept[2]
    assert any("hip" in evidence for evidence, _, _ in words)
    assert all(source and rule for _, source, rule in words)


def test_a_second_wish_to_start_goes_on_with_the_open_screen(client: Client) -> None:
    asked = begin(client)
    assert last(client.say("start the health check"))["text"] == asked["text"]
