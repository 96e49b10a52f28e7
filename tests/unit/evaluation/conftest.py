"""A stand-in for the running assistant: the contract's chat over HTTP, with replies that a test writes."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

import pytest


def message(kind: str, *sources: str, **fields: Any) -> dict[str, Any]:
    """A message of the contract."""
    buttons = [{"title": title, "payload": f"/{title}"} for title in fields.pop("buttons", ())]
    return {
        "id": "1",
        "from": "assistant",
        "at": "2026-01-05T10:00:00Z",
        "text": "Said.",
        "kind": kind,
        "sources": list(sources),
        "buttons": buttons,
        "decision": None,
        "case": None,
        **fields,
    }


class Stub:
    """Answers what it was told to; anything else is not understood.

    Attributes:
        replies: what is said to a text, or the HTTP status it is refused with.
        outcomes: what a check decides on a text; anything else is eligible.
        heard: every conversation's messages, by token.
        checks: the bodies of the checks.
    """

    def __init__(self) -> None:
        self.replies: dict[str, list[dict[str, Any]] | int] = {}
        self.outcomes: dict[str, str | int] = {}
        self.healthy = True
        self.heard: dict[str, list[str]] = {}
        self.checks: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def open(self) -> str:
        with self._lock:
            token = f"t{len(self.heard)}"
            self.heard[token] = []
            return token

    def reply(self, token: str, body: dict[str, str]) -> list[dict[str, Any]] | int:
        self.heard[token].append(body["text"])
        return self.replies.get(body["text"], [message("fallback")])

    def decide(self, body: dict[str, Any]) -> dict[str, Any] | int:
        with self._lock:
            self.checks.append(body)
        outcome = self.outcomes.get(body["text"], "eligible")
        return outcome if isinstance(outcome, int) else {"outcome": outcome}


class _Handler(BaseHTTPRequestHandler):
    stub: Stub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._send(200 if self.stub.healthy else 503, {"status": "ok", "model": "m1", "rules_version": "7"})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/chat/sessions":
            self._send(201, {"token": self.stub.open(), "messages": [message("notice")]})
            return
        if self.path == "/eligibility/checks":
            decided = self.stub.decide(body)
            self._send(decided, {}) if isinstance(decided, int) else self._send(201, decided)
            return
        replies = self.stub.reply(self.headers["Authorization"].removeprefix("Bearer "), body)
        self._send(replies, {}) if isinstance(replies, int) else self._send(200, {"messages": replies})

    def _send(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@pytest.fixture
def stub() -> Stub:
    return Stub()


@pytest.fixture
def url(stub: Stub) -> Iterator[str]:
    """The address of the stub."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"stub": stub}))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    """Writes a set into a folder of sets; returns the folder."""

    def _write(name: str, *rows: dict[str, Any]) -> Path:
        folder = tmp_path / "sets"
        folder.mkdir(exist_ok=True)
        lines = [
            json.dumps({"id": f"{name}-{number:03}", "voice": "dot", "hard": False, **row})
            for number, row in enumerate(rows, 1)
        ]
        (folder / f"{name}.jsonl").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        return folder

    return _write
