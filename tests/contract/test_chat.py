"""The chat channel of the contract, on the running server: shapes, refusals, retries."""

from __future__ import annotations

import base64
import json
from datetime import datetime, timedelta, timezone
from typing import Any, Callable, Dict

import httpx
import jwt
import pytest

from bot.dialogue.message import KINDS
from tests.conftest import Client, Running

FIELDS = {"id", "from", "at", "text", "kind", "sources", "buttons", "decision", "case"}


def problem(response: httpx.Response, status: int) -> Dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert body["title"]
    assert body["detail"].endswith(".")
    return body


def test_a_session_opens_with_a_greeting_that_says_what_is_speaking(client: Client) -> None:
    (message,) = client.greeting
    assert set(message) == FIELDS
    assert message["from"] == "assistant"
    assert "automated" in message["text"]
    assert "medical advice" in message["text"]
    assert datetime.fromisoformat(message["at"].replace("Z", "+00:00")).tzinfo is not None


def test_every_message_has_the_contracts_fields_and_a_known_kind(client: Client) -> None:
    client.say("does it hurt?")
    for message in client.history():
        assert set(message) == FIELDS
        assert message["kind"] in KINDS
        assert message["from"] in ("assistant", "client", "therapist")


def test_the_history_holds_both_sides_in_order(client: Client) -> None:
    client.say("does it hurt?")
    history = client.history()
    assert [message["from"] for message in history] == ["assistant", "client", "assistant"]
    assert history[1]["text"] == "does it hurt?"


def test_a_retried_request_gets_the_first_answer_and_adds_nothing(client: Client) -> None:
    body = {"text": "can I go swimming afterwards?"}
    first = client.post(body, **{"Idempotency-Key": "one-request"}).json()
    again = client.post(body, **{"Idempotency-Key": "one-request"}).json()
    assert first == again
    assert len(client.history()) == 1 + 1 + len(first["messages"])


def test_an_idempotency_key_with_another_message_is_refused(client: Client) -> None:
    client.post({"text": "does it hurt?"}, **{"Idempotency-Key": "k1"})
    problem(client.post({"text": "what should I wear?"}, **{"Idempotency-Key": "k1"}), 409)


@pytest.mark.parametrize("key", ["", "x" * 81, "a b"])
def test_an_unusable_idempotency_key_is_refused(client: Client, key: str) -> None:
    problem(client.post({"text": "hello"}, **{"Idempotency-Key": key}), 422)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": "   \n\t "}, "text"),
        ({"text": "\x00\x01\x02"}, "text"),
        ({"text": "x" * 2001}, "text"),
        ({"text": "🙂" * 10_000}, "text"),
        ({"text": 5}, "text"),
        ({"text": None}, "text"),
        ({}, "text"),
        ({"text": "a", "payload": "/start_screen"}, "text"),
        ({"text": "a", "sender": "me"}, "sender"),
        ({"payload": ""}, "payload"),
        ({"payload": ["/start_screen"]}, "payload"),
        ({"payload": '/deny{"question":"hematoma"}'}, "payload"),
        ({"payload": "/restart"}, "payload"),
    ],
)
def test_a_message_that_cannot_be_taken_names_the_field(client: Client, body: Any, field: str) -> None:
    refused = problem(client.post(body), 422)
    assert refused["errors"][0]["field"] == field
    assert len(client.history()) == 1, "nothing of a refused message is kept"


def test_two_thousand_characters_are_taken(client: Client) -> None:
    assert client.say("does it hurt? " + "a" * 1986)


def test_control_characters_are_dropped_and_the_words_kept(client: Client) -> None:
    client.say("does it\x00 hurt\x07?")
    assert client.history()[1]["text"] == "does it hurt?"


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b"[]", b'"text"', b"null", b"[" * 10_000])
def test_a_body_that_is_no_json_object_is_malformed(client: Client, content: bytes) -> None:
    headers = {**client.headers, "Content-Type": "application/json"}
    problem(client.http.post("/chat/messages", content=content, headers=headers), 400)


def test_another_content_type_is_refused(client: Client) -> None:
    problem(
        client.http.post(
            "/chat/messages",
            content=b"text=hi",
            headers={**client.headers, "Content-Type": "application/x-www-form-urlencoded"},
        ),
        415,
    )


def test_a_body_of_a_megabyte_is_refused(client: Client) -> None:
    headers = {**client.headers, "Content-Type": "application/json"}
    problem(client.http.post("/chat/messages", content=b'{"text":"' + b"x" * 1_000_000 + b'"}', headers=headers), 413)


def claims_of(token: str) -> Dict[str, Any]:
    payload = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x.y.z", "Basic dXNlcjpwYXNz", "Bearer 🙂"])
def test_a_missing_or_senseless_token_is_refused(client: Client, header: str) -> None:
    response = client.http.post("/chat/messages", json={"text": "hi"}, headers={"Authorization": header.encode()})
    problem(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"


def test_a_forged_token_is_refused(client: Client) -> None:
    claims = claims_of(client.token)
    for token in (
        jwt.encode(claims, "another key that is long enough to sign", algorithm="HS256"),
        jwt.encode(claims, None, algorithm="none"),
        client.token[:-4] + "AAAA",
    ):
        problem(client.http.get("/chat/history", headers={"Authorization": f"Bearer {token}"}), 401)


def test_an_expired_token_is_refused_and_says_how_to_go_on(assistant: Running, client: Client) -> None:
    import sqlite3

    with sqlite3.connect(assistant.var / "assistant.db") as database:
        (key,) = database.execute("SELECT value FROM secrets WHERE name = 'chat_tokens'").fetchone()
    past = datetime.now(timezone.utc) - timedelta(days=60)
    claims = {**claims_of(client.token), "iat": past, "exp": past + timedelta(days=30)}
    token = jwt.encode(claims, key, algorithm="HS256")
    refused = problem(client.http.get("/chat/history", headers={"Authorization": f"Bearer {token}"}), 401)
    assert "/chat/sessions" in refused["detail"]


def test_a_token_opens_its_own_conversation_only(client: Client, new_client: Callable[[], Client]) -> None:
    client.say("I take warfarin")
    other = new_client()
    assert all("warfarin" not in message["text"] for message in other.history())
    payload = client.last[0]["buttons"][0]["payload"]
    refused = other.post({"payload": payload})
    assert refused.status_code in (200, 422)
    if refused.status_code == 200:
        offered = {b["payload"] for message in other.greeting for b in message["buttons"]}
        assert payload in offered, "only what this conversation was offered is taken"


def test_conversation_ids_are_long_and_never_repeat(new_client: Callable[[], Client]) -> None:
    ids = {claims_of(new_client().token)["sub"] for _ in range(5)}
    assert len(ids) == 5
    assert min(len(one) for one in ids) >= 32


def test_typed_commands_do_not_reach_rasa(client: Client) -> None:
    for text in ("/restart", "/session_start", '/deny{"question":"hematoma"}', "/"):
        assert client.say(text)
    assert len([m for m in client.history() if m["from"] == "client"]) == 4


def test_an_unknown_address_and_method_are_problems(assistant: Running) -> None:
    problem(httpx.get(f"{assistant.url}/nowhere"), 404)
    problem(httpx.delete(f"{assistant.url}/chat/messages"), 405)


def test_health_names_every_part(assistant: Running) -> None:
    response = httpx.get(f"{assistant.url}/health")
    assert response.status_code == 200
    report = response.json()
    assert {name: report[name] for name in ("status", "nlu", "actions", "database")} == {
        "status": "ok",
        "nlu": "ok",
        "actions": "ok",
        "database": "ok",
    }
    assert report["model"]
    assert report["rules_version"]


def test_rasas_own_api_is_not_reachable(assistant: Running) -> None:
    for path in ("/conversations/x/tracker", "/model/parse", "/version", "/webhooks/rest/webhook"):
        assert httpx.get(f"{assistant.url}{path}").status_code == 404
