"""The chat channel of the website: plain HTTP (contract: Chat).

Conversation ids are made and signed here; a client never chooses one. Parsing
and refusing is this module's work; what is said comes from the turn.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import aclosing
from typing import Any, Awaitable, Callable, Dict, Optional

from rasa.core.agent import Agent
from rasa.core.channels.channel import InputChannel, UserMessage
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse, empty
from sanic.response import json as json_response

from bot.channels.problems import Problem, as_problem, invalid
from bot.channels.service import Service, service
from bot.channels.tokens import new_conversation_id
from bot.channels.turn import MAX_TEXT, Incoming
from bot.dialogue import transcript
from bot.dialogue.transcript import as_contract

# neither a cache nor a proxy may hold an event back
EVENT_HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
EXPORT_HEADERS = {"Cache-Control": "no-store", "Content-Disposition": 'attachment; filename="conversation.json"'}
KEY = re.compile(r"[\x21-\x7e]{1,80}")


class ChatChannel(InputChannel):
    """Rasa input channel `chat`, mounted at the root of the public port."""

    @classmethod
    def name(cls) -> str:
        """Rasa's name of the channel."""
        return "chat"

    def url_prefix(self) -> str:
        """The leading slash mounts the channel at the root."""
        return "/"

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes; the turn replaces Rasa's own message callback."""
        blueprint = Blueprint("chat")

        @blueprint.exception(Exception)
        async def _problem(request: Request, error: Exception) -> HTTPResponse:
            return as_problem(error).response()

        @blueprint.post("/chat/sessions")
        async def sessions(request: Request) -> HTTPResponse:
            parts = service(request.app)
            parts.limits.hit("sessions", _address(request))
            body(request)
            conversation_id = new_conversation_id()
            messages = await parts.turns.open(conversation_id, self.name())
            return json_response(
                {
                    "token": parts.tokens.issue(conversation_id),
                    "messages": [as_contract(message) for message in messages],
                },
                status=201,
            )

        @blueprint.post("/chat/messages")
        async def messages(request: Request) -> HTTPResponse:
            parts = service(request.app)
            conversation_id = _conversation(parts, request)
            parts.limits.hit("messages", conversation_id)
            incoming = read_incoming(body(request))
            key = request.headers.get("idempotency-key")
            if key is not None and not KEY.fullmatch(key):
                raise invalid("Idempotency-Key", "Use 1 to 80 visible ASCII characters, a UUID for instance.")
            replies = await parts.turns.take(agent(request.app), conversation_id, incoming, key)
            return json_response({"messages": [as_contract(message) for message in replies]})

        @blueprint.get("/chat/history")
        async def history(request: Request) -> HTTPResponse:
            parts = service(request.app)
            found = await parts.turns.history(_conversation(parts, request))
            return json_response({"messages": transcript.history(found, parts.checks.booking_tokens)})

        @blueprint.get("/chat/events")
        async def events(request: Request) -> None:
            parts = service(request.app)
            conversation_id = _conversation(parts, request)
            after = await parts.events.position(conversation_id, request.headers.get("last-event-id"))
            async with aclosing(parts.events.follow(conversation_id, after)) as pieces:
                first = await pieces.__anext__()
                response = await request.respond(headers=EVENT_HEADERS, content_type="text/event-stream")
                await response.send(first)
                async for piece in pieces:
                    await response.send(piece)
                await response.eof()

        @blueprint.delete("/chat/session")
        async def end(request: Request) -> HTTPResponse:
            parts = service(request.app)
            await parts.turns.forget(_conversation(parts, request))
            return empty(status=204)

        @blueprint.get("/chat/export")
        async def export(request: Request) -> HTTPResponse:
            parts = service(request.app)
            conversation_id = _for_export(parts, request)
            parts.limits.hit("exports", conversation_id)
            copy = await parts.turns.export(conversation_id)
            return json_response(copy, headers=EXPORT_HEADERS, ensure_ascii=False, indent=2)

        return blueprint


def body(request: Request) -> Dict[str, Any]:
    """The request's JSON object.

    Raises:
        Problem: 415 for another content type, 400 for anything but an object.
    """
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json":
        raise Problem(415, "Send the body as JSON, with 'Content-Type: application/json'.")
    try:
        value = request.json
    except Exception as error:
        raise Problem(400, "The body is not valid JSON.") from error
    if not isinstance(value, dict):
        raise Problem(400, "The body must be a JSON object, {} for instance.")
    return value


def read_incoming(value: Dict[str, Any]) -> Incoming:
    """The text or payload of a message request.

    Raises:
        Problem: 422, naming the field and what is allowed.
    """
    unknown = sorted(set(value) - {"text", "payload"})
    if unknown:
        raise invalid(str(unknown[0])[:40], "Allowed fields are 'text' or 'payload'.")
    if ("text" in value) == ("payload" in value):
        raise invalid("text", "Send either 'text' or 'payload', one of them.")
    if "payload" in value:
        if not isinstance(value["payload"], str) or not 1 <= len(value["payload"]) <= 200:
            raise invalid("payload", "A payload is the text that a button holds.")
        return Incoming(payload=value["payload"])
    if not isinstance(value["text"], str):
        raise invalid("text", f"'text' must be a string of 1 to {MAX_TEXT:,} characters.")
    if len(value["text"]) > MAX_TEXT:
        raise invalid(
            "text",
            f"A message may have up to {MAX_TEXT:,} characters; this one has "
            f"{len(value['text']):,}. Please shorten it or send it in parts.",
        )
    text = clean(value["text"])
    if not text:
        raise invalid("text", f"The message is empty. Write 1 to {MAX_TEXT:,} characters.")
    return Incoming(text=text)


def clean(text: str) -> str:
    """`text` without control characters, lone surrogates and outer blanks."""
    kept = (
        " " if character in "\r\n\t" else character
        for character in text
        if character in "\r\n\t" or unicodedata.category(character) not in ("Cc", "Cs")
    )
    return "".join(kept).strip()


def agent(app: Sanic) -> Agent:
    """The loaded Rasa agent.

    Raises:
        Problem: 503, while it is loading.
    """
    loaded: Optional[Agent] = getattr(app.ctx, "agent", None)
    if loaded is None or not loaded.is_ready():
        raise Problem(
            503,
            "The assistant is starting. Please try again in a few seconds.",
            headers={"Retry-After": "5"},
        )
    return loaded


def _conversation(parts: Service, request: Request) -> str:
    return parts.tokens.conversation(request.headers.get("authorization", ""))


def _for_export(parts: Service, request: Request) -> str:
    """The conversation of a ticket in the address, or of the token in the header."""
    ticket = request.args.get("ticket")
    if ticket is None:
        return _conversation(parts, request)
    found = parts.tickets.check(ticket)
    if found is None:
        raise Problem(401, "This link has expired. Ask for a copy again in the chat.")
    return found


def _address(request: Request) -> str:
    return request.remote_addr or request.ip
