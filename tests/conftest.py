"""What tests of every kind share: a running assistant, and a client for it."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Optional

import httpx
import pytest
from hypothesis import HealthCheck, settings

from bot.store.database import Database
from bot.supervisor import free_port

# how fast a machine draws and runs examples is no property of the product
settings.register_profile("product", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("product")

ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 240
API_KEY = "a-booking-site's-key"
BOT_TOKEN = "4242:abcdefghijklmnop"
EMULATOR = ROOT / "tools" / "telegram"


class Running:
    """A running assistant, started as `make run` starts it."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.var = folder / "var"
        self.log = folder / "log.txt"
        self._environment = {
            **os.environ,
            "PORT": str(self.port),
            "HOST": "127.0.0.1",
            "VAR_DIR": str(self.var),
            "RATE_LIMITS": "off",
            "ELIGIBILITY_API_KEYS": API_KEY,
            "PRACTICE_NAME": "Harbour Therapy",
            "PRACTICE_PHONE": "020 7946 0000",
            "BOOKING_URL": "https://booking.example/iastm",
            "EMERGENCY_NUMBER": "999",
            **environment,
        }
        self.process: Optional[subprocess.Popen[bytes]] = None

    def start(self) -> Running:
        """Start, and wait until it is healthy."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "bot", "run"], cwd=ROOT, env=self._environment, stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            try:
                if httpx.get(f"{self.url}/health", timeout=5).status_code == 200:
                    return self
            except httpx.HTTPError:
                pass
            time.sleep(0.2)
        raise AssertionError(f"The assistant did not start:\n{self.output()[-3000:]}")

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m bot ...` with the same settings."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def children(self) -> Dict[str, int]:
        """The process ids of the two parts, by their command."""
        assert self.process is not None
        listed = subprocess.run(
            ["ps", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True, check=True
        )
        found = {}
        for line in listed.stdout.splitlines():
            pid, _, command = line.strip().partition(" ")
            found[command.split()[-1]] = int(pid)
        return found

    def stop(self) -> int:
        """Stop as Ctrl-C does; returns the exit code."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(30)

    def output(self) -> str:
        """Everything it printed."""
        return self.log.read_text(encoding="utf-8", errors="replace")


class Client:
    """A client's browser, without the browser."""

    def __init__(self, url: str) -> None:
        self.http = httpx.Client(base_url=url, timeout=30)
        opened = self.http.post("/chat/sessions", json={}).json()
        self.token: str = opened["token"]
        self.greeting: List[Dict[str, Any]] = opened["messages"]
        self.last = self.greeting

    @property
    def headers(self) -> Dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def post(self, body: Any, **headers: str) -> httpx.Response:
        """Send a body and return the raw response."""
        return self.http.post("/chat/messages", json=body, headers={**self.headers, **headers})

    def say(self, text: str) -> List[Dict[str, Any]]:
        """Send words; returns the messages that came back."""
        return self._taken(self.post({"text": text}))

    def press(self, title: str) -> List[Dict[str, Any]]:
        """Press a button of the last messages by what it reads."""
        offered = {b["title"]: b["payload"] for message in self.last for b in message["buttons"]}
        assert title in offered, f"no button {title!r}; there are {sorted(offered)}"
        return self._taken(self.post({"payload": offered[title]}))

    def history(self) -> List[Dict[str, Any]]:
        return self.http.get("/chat/history", headers=self.headers).json()["messages"]

    def _taken(self, response: httpx.Response) -> List[Dict[str, Any]]:
        assert response.status_code == 200, response.text
        self.last = response.json()["messages"]
        return self.last


class Emulator:
    """The independent emulator of the Bot API, and the clients' side of it."""

    def __init__(self) -> None:
        assert (EMULATOR / "node_modules").exists(), "The Bot API emulator is not installed; run 'make test'."
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(["node", "serve.js", str(port)], cwd=EMULATOR)
        #: How many updates the clients have caused.
        self.updates = 0
        self.http = httpx.Client(base_url=self.url, timeout=10)
        self._chats = itertools.count(5001)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.http.get(f"/bot{BOT_TOKEN}/getMe")
                break
            except httpx.HTTPError:
                assert time.monotonic() < deadline, "the emulator did not start"
                time.sleep(0.1)

    def new_chat(self) -> int:
        return next(self._chats)

    def post(self, path: str, chat: int, **fields: Any) -> None:
        """A client does something in their private chat."""
        someone = {"id": chat, "first_name": "Kim", "is_bot": False}
        here = {"id": chat, "type": "private", "first_name": "Kim"}
        common = {"botToken": BOT_TOKEN, "from": someone, "date": int(time.time())}
        body = {**common, "chat": here, **fields} if path == "/sendMessage" else {**common, **fields}
        self.http.post(path, json=body).raise_for_status()
        self.updates += 1

    def received(self, chat: int) -> List[Dict[str, Any]]:
        """What the bot has sent to a chat, in order, as it stands now."""
        kept = self.http.post("/getUpdatesHistory", json={"token": BOT_TOKEN}).json()["result"]
        sent = [one for one in kept if "chat_id" in one.get("message", {})]
        return [{**one["message"], "message_id": one["messageId"]} for one in sent if one["message"]["chat_id"] == chat]

    def stop(self) -> None:
        self.http.close()
        self.process.terminate()
        self.process.wait(10)


class TelegramClient:
    """A client's phone, without the phone; speaks like `Client`."""

    def __init__(self, running: Running, emulator: Emulator) -> None:
        self._running = running
        self._emulator = emulator
        self.chat = emulator.new_chat()
        self._seen = 0
        self.greeting = self.say("/start")
        self.last = self.greeting

    def say(self, text: str) -> List[Dict[str, Any]]:
        """Send words; returns the messages that came back."""
        self._emulator.post("/sendMessage", self.chat, text=text)
        return self._answered()

    def press(self, title: str) -> List[Dict[str, Any]]:
        """Press a button of the last messages by what it reads."""
        offered = {button["text"]: (message, button) for message in self.last for button in _keyboard(message)}
        assert title in offered, f"no button {title!r}; there are {sorted(offered)}"
        message, button = offered[title]
        here = {"id": self.chat, "type": "private"}
        self._emulator.post(
            "/sendCallback",
            self.chat,
            message={"message_id": message["message_id"], "chat": here, "date": 1},
            data=button["callback_data"],
        )
        return self._answered()

    def _answered(self) -> List[Dict[str, Any]]:
        """What has come when everything is handled and sent."""
        deadline = time.monotonic() + START_SECONDS
        while not self._quiet():
            assert time.monotonic() < deadline, f"no answer:\n{self._running.output()[-3000:]}"
            time.sleep(0.1)
        received = self._emulator.received(self.chat)
        self.last, self._seen = received[self._seen :], len(received)
        return self.last

    def _quiet(self) -> bool:
        with sqlite3.connect(self._running.var / "assistant.db") as database:
            (handled,) = database.execute("SELECT COUNT(*) FROM telegram_updates WHERE done_at IS NOT NULL").fetchone()
            (unsent,) = database.execute(
                "SELECT COUNT(*) FROM outbox WHERE kind = 'telegram' AND sent_at IS NULL AND dead_at IS NULL"
            ).fetchone()
        return bool(handled == self._emulator.updates and unsent == 0)


def _keyboard(message: Dict[str, Any]) -> List[Dict[str, str]]:
    rows = (message.get("reply_markup") or {}).get("inline_keyboard") or []
    return [button for row in rows for button in row]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """A migrated SQLite database of the test's own."""
    made = Database(f"sqlite:///{tmp_path / 'assistant.db'}")
    made.migrate()
    return made


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """An emulator of the Bot API for the whole test run."""
    made = Emulator()
    yield made
    made.stop()


@pytest.fixture(scope="session")
def assistant(tmp_path_factory: pytest.TempPathFactory, emulator: Emulator) -> Iterator[Running]:
    """One running assistant for the whole test run, on the web and in Telegram."""
    running = Running(
        tmp_path_factory.mktemp("assistant"), TELEGRAM_BOT_TOKEN=BOT_TOKEN, TELEGRAM_API_BASE=emulator.url
    ).start()
    yield running
    running.stop()


@pytest.fixture
def client(assistant: Running) -> Client:
    """A new conversation with the running assistant."""
    return Client(assistant.url)


@pytest.fixture
def new_client(assistant: Running) -> Callable[[], Client]:
    """Makes further conversations."""
    return lambda: Client(assistant.url)
