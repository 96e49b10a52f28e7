"""The whole round on running processes: a client asks for a person, a mail arrives, the therapist answers and approves.

The therapist's steps are taken by another process on the same database, so
that nothing can wake the server but the database itself.
"""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List

import httpx
import jwt
import pytest
from standardwebhooks import Webhook

from bot.booking import ALGORITHM, AUDIENCE, BookingTokens, new_signing_key
from bot.dialogue.casework import Casework
from bot.handout import Handout
from bot.settings import Settings
from bot.store.database import Database
from bot.store.secrets import shared_secret
from tests.conftest import Client, Running
from tests.integration.test_senders import SECRET, THERAPIST, MailServerOnDemand

SOON = 60


class BookingSite:
    """A booking site that listens for webhooks, with a server of its own."""

    def __init__(self) -> None:
        self.events: List[Dict[str, Any]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                site.events.append(Webhook(SECRET).verify(body, dict(self.headers)))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def eventually(met: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        if found := met():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not happen within {SOON} s")


@pytest.fixture(scope="module")
def mail() -> Iterator[MailServerOnDemand]:
    server = MailServerOnDemand()
    server.up()
    yield server
    server.down()


@pytest.fixture(scope="module")
def site() -> Iterator[BookingSite]:
    made = BookingSite()
    yield made
    made.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory, mail: MailServerOnDemand, site: BookingSite) -> Iterator[Running]:
    made = Running(
        tmp_path_factory.mktemp("takeover"),
        SMTP_URL=f"smtp://127.0.0.1:{mail.port}",
        THERAPIST_EMAIL=THERAPIST,
        PUBLIC_URL="https://practice.example",
        QUIET_HOURS="",
        WEBHOOK_URL=site.url,
        WEBHOOK_SECRET=SECRET,
    ).start()
    yield made
    made.stop()


class Desk:
    """The therapist, working on the server's database from another process."""

    def __init__(self, running: Running) -> None:
        self.database = Database(f"sqlite:///{running.var / 'assistant.db'}")
        tokens = BookingTokens(shared_secret(self.database, "booking_tokens", new_signing_key))
        settings = Settings(_env_file=None, booking_url="https://booking.example/iastm")
        self.casework = Casework(Handout.load(), settings, tokens, validity_days=30)

    def do(self, step: str, case: str, *arguments: Any) -> None:
        with self.database.transaction() as session:
            getattr(self.casework, step)(session, int(case[2:]), *arguments)


@pytest.fixture
def desk(running: Running) -> Desk:
    return Desk(running)


@contextmanager
def events(client: Client, after: str = "") -> Iterator[Iterator[Dict[str, Any]]]:
    headers = {**client.headers, **({"Last-Event-ID": after} if after else {})}
    with httpx.stream("GET", f"{client.http.base_url}/chat/events", headers=headers, timeout=SOON) as response:
        lines = response.iter_lines()
        yield (json.loads(line[6:]) for line in lines if line.startswith("data: "))


def screened_on_warfarin(client: Client) -> None:
    """Take the health screen to its decision."""
    client.say("start the health check")
    client.press("Yes, that's fine")
    client.say("I'm on warfarin")
    while client.last[-1]["kind"] != "decision":
        titles = [b["title"] for b in client.last[-1]["buttons"]]
        client.press("No" if "No" in titles else titles[0]) if titles else client.say("nothing else")


def test_a_client_reaches_a_person_who_answers_and_approves(
    running: Running, mail: MailServerOnDemand, site: BookingSite, desk: Desk
) -> None:
    client = Client(running.url)
    screened_on_warfarin(client)
    decision = client.last[-1]["decision"]
    case = client.last[-1]["case"]
    assert decision["outcome"] != "eligible"
    assert decision["token"] is None
    waiting = client.say("I want to talk to a person")[-1]
    assert waiting["case"] == case
    assert "since" in waiting["text"]

    (text,) = [text for text in eventually(lambda: mail.handler.texts, "the mail") if case in text]
    assert f"https://practice.example/desk/cases/{case}" in text
    assert "warfarin" not in text

    with events(client) as arriving:
        desk.do("reply", case, "Good morning, when did you start taking it?", "therapist", "r1")
        assert "joined" in next(arriving)["text"]
        reply = next(arriving)
        assert (reply["from"], reply["text"]) == ("therapist", "Good morning, when did you start taking it?")
        assert client.say("last spring") == [], "the assistant is silent"
        desk.do("approve", case, decision["id"], "therapist")
        approved = next(arriving)
        assert approved["decision"]["token"]
        desk.do("close", case, "gentle version", "therapist")
        assert "I'm back" in next(arriving)["text"]

    event = eventually(lambda: site.events, "the webhook")[0]
    assert event["type"] == "decision.approved"
    assert event["data"]["id"] == decision["id"]
    keys = httpx.get(f"{running.url}/.well-known/jwks.json").json()["keys"]
    for token in (event["data"]["token"], approved["decision"]["token"]):
        jwt.decode(token, jwt.PyJWK(keys[0]).key, algorithms=[ALGORITHM], audience=AUDIENCE)
    read = client.http.get(f"/eligibility/checks/{decision['id']}", headers=client.headers).json()
    assert (read["outcome"], bool(read["token"])) == (decision["outcome"], True)
    assert client.say("does it hurt?")[0]["sources"] == ["pain"], "the assistant speaks again"


def test_what_was_written_while_the_mail_server_and_then_the_assistant_were_down_arrives(
    running: Running, mail: MailServerOnDemand, desk: Desk
) -> None:
    mail.down()
    client = Client(running.url)
    case = client.say("please let me speak to a human")[-1]["case"]
    last = client.history()[-1]["id"]
    eventually(lambda: "cannot be reached" in running.output(), "a failed attempt")
    os.kill(running.children()["serve"], signal.SIGKILL)
    desk.do("reply", case, "I'll call you at five.", "therapist", "r1")
    mail.up()

    def healthy() -> bool:
        try:
            return httpx.get(f"{running.url}/health", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    eventually(healthy, "the restart")
    with events(client, after=last) as arriving:
        assert [next(arriving)["text"] for _ in range(2)][1] == "I'll call you at five."
    eventually(lambda: [text for text in mail.handler.texts if case in text], "the mail")
    ids = [line for t in mail.handler.texts if case in t for line in t.splitlines() if line.startswith("Message-ID")]
    assert len(set(ids)) == 1


def test_a_client_deletes_everything_by_wish_and_button(running: Running, desk: Desk) -> None:
    client = Client(running.url)
    client.say("my dad has kidney disease, does it hurt?")
    assert "messages" in client.say("what do you know about me")[-1]["text"]
    client.say("delete my data")
    (gone,) = client.press("Yes, delete everything")
    assert "deleted" in gone["text"]
    assert client.http.get("/chat/history", headers=client.headers).status_code == 404
    for file in running.var.glob("assistant.db*"):
        assert b"my dad has kidney disease" not in file.read_bytes()


def test_a_copy_can_be_had_by_the_link_in_the_chat(running: Running) -> None:
    client = Client(running.url)
    text = client.say("can I have a copy of my data please")[-1]["text"]
    ticket = text.rpartition("ticket=")[2].split()[0]
    copy = httpx.get(f"{running.url}/chat/export", params={"ticket": ticket}).json()
    assert copy["messages"][1]["text"] == "can I have a copy of my data please"


def test_the_commands_export_and_delete_by_case_number(running: Running, tmp_path: Path) -> None:
    client = Client(running.url)
    case = client.say("I want to talk to a person")[-1]["case"]
    copy = json.loads(running.command("export", case).stdout)
    assert copy["cases"][0]["case"] == case
    assert running.command("held", case).returncode == 0
    assert running.command("delete", case).returncode == 0
    failed = running.command("export", case)
    assert failed.returncode == 1
    assert "C-1042" in failed.stderr
    assert "0 conversations" in running.command("purge").stdout


def test_no_word_of_anybody_is_in_the_log(running: Running) -> None:
    output = running.output()
    for word in ("warfarin", "call you at five", "kidney", THERAPIST):
        assert word not in output
