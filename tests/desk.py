"""The desk on a real socket without the rest of the assistant, and cases to show on it."""

from __future__ import annotations

import asyncio
import re
import threading
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Dict, List, Optional

import httpx
from argon2 import PasswordHasher
from rasa.core.channels.channel import register
from sanic import Sanic

from bot.booking import BookingTokens, new_signing_key
from bot.channels.desk import DeskChannel
from bot.channels.desk_pages import desk
from bot.channels.live import Live
from bot.channels.problems import answer_with_problems
from bot.desk.account import Account
from bot.dialogue.casework import Casework
from bot.dialogue.checkins import Checkins
from bot.dialogue.escalating import Escalating
from bot.dialogue.message import Message
from bot.dialogue.transcript import add_messages
from bot.escalation import add_reason
from bot.handout import Handout
from bot.settings import Settings
from bot.store.database import Database
from bot.store.models import Case, Conversation, DecisionRecord, FindingRecord, StoredMessage, utcnow
from bot.supervisor import free_port

PASSWORD = "harbour-lights-24"


class DeskServer:
    """The desk's channel in a thread of this process, on SQLite in `folder`."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        chosen = Settings(
            _env_file=None,
            practice_name="Harbour Therapy",
            booking_url="https://booking.example/iastm",
            **settings,
        )
        self.database = Database(f"sqlite:///{folder / 'assistant.db'}")
        self.database.migrate()
        live = Live()
        self.database.on_commit = live.changed_all
        handout = Handout.load()
        self.casework = Casework(handout, chosen, BookingTokens(new_signing_key()), 30)
        # Sanic rewrites its own methods at a start, which only a test mode can do twice in a process
        Sanic.test_mode = True
        self._app = Sanic(f"desk-{free_port()}", configure_logging=False)
        self._app.config.REQUEST_MAX_SIZE = 64 * 1024
        answer_with_problems(self._app)
        register([DeskChannel()], self._app, route="/webhooks/")
        self._app.ctx.service = SimpleNamespace(
            settings=chosen,
            database=self.database,
            live=live,
            casework=self.casework,
            checkins=Checkins(handout, chosen, Escalating(handout, chosen)),
        )
        # argon2 at a cost that tests can afford
        account = Account(self.database, hasher=PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        account.use_password(PASSWORD)
        found = desk(self._app)
        self._app.ctx.desk = type(found)(**{**vars(found), "account": account})
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> DeskServer:
        """Listen."""
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def stop(self) -> None:
        """Stop listening."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)

        async def listen() -> None:
            server = await self._app.create_server(host="127.0.0.1", port=self.port, return_asyncio_server=True)
            assert server is not None
            await server.startup()
            self._ready.set()

        self._loop.run_until_complete(listen())
        self._loop.run_forever()


class Browser:
    """A browser without scripts: keeps cookies, fills in the forms that pages show."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=20, follow_redirects=True)

    def log_in(self, password: str = PASSWORD, **fields: str) -> httpx.Response:
        """Open the log-in page and send its form."""
        page = self.http.get("/desk/login")
        return self.http.post("/desk/login", data={**hidden(page.text), "password": password, **fields})

    def send(self, page: httpx.Response, action: str, **fields: str) -> httpx.Response:
        """Send the form of `page` that goes to `action`, with its hidden fields."""
        found = re.search(rf'<form[^>]*action="([^"]*/{action})"[^>]*>(.*?)</form>', page.text, re.S)
        assert found, f"no form to {action} on the page"
        return self.http.post(found[1], data={**hidden(found[2]), **fields})


def hidden(html: str) -> Dict[str, str]:
    """The hidden fields of a page or form."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', html))


def say(
    database: Database, conversation: str, sender: str, text: str, at: Optional[datetime] = None, kind: str = "notice"
) -> StoredMessage:
    """Add a line to a transcript, made with its conversation where it is new."""
    with database.transaction() as session:
        if session.get(Conversation, conversation) is None:
            session.add(Conversation(id=conversation, channel="chat"))
            session.flush()
        (row,) = add_messages(session, conversation, [Message(text, kind).as_dict()], sender=sender)
        if at is not None:
            row.at = at
        return row


def ask_for(
    database: Database,
    conversation: str,
    reason: str,
    words: str,
    minutes_ago: int = 0,
    decision: Optional[str] = None,
) -> int:
    """A client's words that open a case, or add to it; returns its number."""
    at = utcnow() - timedelta(minutes=minutes_ago)
    say(database, conversation, "client", words, at)
    with database.transaction() as session:
        number = int(add_reason(session, conversation, reason, words, decision).number)
        case = session.get(Case, number)
        case.opened_at = case.waiting_since = case.reasons[-1].at = at
        return number


def screened(
    database: Database, conversation: str, outcome: str, findings: List[Dict[str, str]], name: str = "d1"
) -> str:
    """A decision of the screen with its findings; returns its id."""
    with database.transaction() as session:
        if session.get(Conversation, conversation) is None:
            session.add(Conversation(id=conversation, channel="chat"))
            session.flush()
        session.add(
            DecisionRecord(
                id=name,
                conversation_id=conversation,
                outcome=outcome,
                unanswered=[],
                rules_fired=[],
                rules_version="1.0",
                notes=[],
                message="The therapist will look at your answers.",
                decided_at=utcnow(),
                valid_until=utcnow() + timedelta(days=30),
                findings=[FindingRecord(position=place, **finding) for place, finding in enumerate(findings)],
            )
        )
    return name
