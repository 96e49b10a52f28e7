"""The two sides of the benchmark: how each is started, and how a client speaks to it.

Both are spoken to over HTTP from the same loop with the same client, so what the client costs is the same.
"""

from __future__ import annotations

import secrets
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, Dict, List

import aiohttp
import httpx
from sqlalchemy import insert

from bot.bench.processes import Programs
from bot.bench.stock import StockProject, rasa
from bot.settings import ROOT
from bot.store.database import Database
from bot.store.models import Conversation
from bot.supervisor import free_port

#: What reaches people or other machines is off, and nobody is limited.
ALONE = {
    "DATABASE_URL": "",
    "REDIS_URL": "",
    "WORKERS": "1",
    "ACTION_SERVER": "off",
    "SMTP_URL": "",
    "THERAPIST_EMAIL": "",
    "WEBHOOK_URL": "",
    "TELEGRAM_BOT_TOKEN": "",
    "RATE_LIMITS": "off",
    "LOG_LEVEL": "WARNING",
    "HOST": "127.0.0.1",
}


class Side(ABC):
    """One of the two assistants."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"

    @abstractmethod
    def programs(self) -> Programs:
        """What has to run."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether a first client gets a first answer now."""

    @abstractmethod
    async def open(self, http: aiohttp.ClientSession) -> Any:
        """Begin a conversation; returns what `say` needs of it."""

    @abstractmethod
    async def ask(self, http: aiohttp.ClientSession, conversation: Any, text: str) -> List[Dict[str, Any]]:
        """Send a message and wait for the reply: messages of the contract's shape, none where it failed."""

    async def say(self, http: aiohttp.ClientSession, conversation: Any, text: str) -> bool:
        """Send a message and wait for the reply; whether there was one."""
        return bool(await self.ask(http, conversation, text))


class Ours(Side):
    """The product, as `make run` starts it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.metrics_port = free_port()
        self.database = f"sqlite:///{(folder / 'assistant.db').resolve()}"

    def programs(self) -> Programs:
        """The supervisor, which starts the rest."""
        environment = {
            **ALONE,
            "PORT": str(self.port),
            "METRICS_PORT": str(self.metrics_port),
            "VAR_DIR": str(self.folder.resolve()),
        }
        return Programs([[sys.executable, "-m", "bot", "run"]], ROOT, self.folder / "log.txt", **environment)

    def answers(self) -> bool:
        """Through the same two requests that a browser makes."""
        try:
            opened = httpx.post(f"{self.url}/chat/sessions", json={}, trust_env=False)
            if opened.status_code != 201:
                return False
            headers = {"Authorization": f"Bearer {opened.json()['token']}"}
            replied = httpx.post(
                f"{self.url}/chat/messages", json={"text": "hello"}, headers=headers, timeout=30, trust_env=False
            )
            return replied.status_code == 200 and bool(replied.json()["messages"])
        except httpx.HTTPError:
            return False

    async def open(self, http: aiohttp.ClientSession) -> Dict[str, str]:
        """A new session; returns the header that speaks for it."""
        async with http.post(f"{self.url}/chat/sessions", json={}) as response:
            return {"Authorization": f"Bearer {(await response.json())['token']}"}

    async def ask(self, http: aiohttp.ClientSession, conversation: Any, text: str) -> List[Dict[str, Any]]:
        """One POST /chat/messages."""
        async with http.post(f"{self.url}/chat/messages", json={"text": text}, headers=conversation) as response:
            body = await response.json(content_type=None)
            return list(body["messages"]) if response.status == 200 else []

    async def stages(self, http: aiohttp.ClientSession) -> Dict[str, float]:
        """Seconds that each stage of a message has taken since the start, from /metrics."""
        async with http.get(f"http://127.0.0.1:{self.metrics_port}/metrics") as response:
            text = await response.text()
        found = {}
        for line in text.splitlines():
            if line.startswith("assistant_stage_seconds_sum"):
                found[line.split('"')[1]] = float(line.rsplit(" ", 1)[1])
        return found


class Stock(Side):
    """Rasa's server and action server, as its documentation starts them."""

    def __init__(self, folder: Path, project: StockProject) -> None:
        super().__init__(folder)
        self._project = project
        self._database = Database(f"sqlite:///{(folder / 'assistant.db').resolve()}")

    def programs(self) -> Programs:
        """`rasa run` and `rasa run actions`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._database.migrate()
        actions_port = free_port()
        self._project.configure(actions_port)
        return Programs(
            [
                rasa("run", "actions", "--actions", "bot.bench.stock_actions", "--port", str(actions_port)),
                rasa("run", "--model", "models/stock.tar.gz", "--interface", "127.0.0.1", "--port", str(self.port)),
            ],
            self._project.folder,
            self.folder / "log.txt",
            **{**ALONE, "VAR_DIR": str(self.folder.resolve()), "PYTHONPATH": str(ROOT)},
        )

    def answers(self) -> bool:
        """Through the REST channel."""
        try:
            replied = httpx.post(
                f"{self.url}/webhooks/rest/webhook",
                json={"sender": self._new(), "message": "hello"},
                timeout=30,
                trust_env=False,
            )
            return replied.status_code == 200 and any("custom" in message for message in replied.json())
        except httpx.HTTPError:
            return False

    async def open(self, http: aiohttp.ClientSession) -> str:
        """A conversation id of the client's own choosing."""
        return self._new()

    async def ask(self, http: aiohttp.ClientSession, conversation: Any, text: str) -> List[Dict[str, Any]]:
        """One POST to the REST channel, which answers 200 with nothing when an action fails."""
        body = {"sender": conversation, "message": text}
        async with http.post(f"{self.url}/webhooks/rest/webhook", json=body) as response:
            replies: List[Dict[str, Any]] = await response.json(content_type=None)
            if response.status != 200:
                return []
            said = [reply.get("custom") or {} for reply in replies]
            return [message for message in said if message.get("failed") is not True]

    def _new(self) -> str:
        # the actions keep screens and cases of a conversation, which has to exist for that
        conversation = secrets.token_urlsafe(24)
        with self._database.transaction() as session:
            session.execute(insert(Conversation).values(id=conversation, channel="rest"))
        return conversation
