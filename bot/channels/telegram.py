"""Rasa channel `telegram`: private chats with the practice's bot.

What comes in is kept first and handled by `bot.telegram`; polling needs no
route at all. Here are the webhook, the link by which a conversation of the
website goes on in Telegram, and starting and stopping with the server.
"""

from __future__ import annotations

import hmac
import json
import logging
from typing import Any, Awaitable, Callable, Mapping, Optional

from rasa.core.channels.channel import InputChannel, OutputChannel, UserMessage
from sanic import Blueprint, Sanic
from sanic.request import Request
from sanic.response import HTTPResponse
from sanic.response import json as json_response

from bot.channels.chat import body
from bot.channels.problems import Problem, as_problem
from bot.channels.service import Service, service
from bot.dialogue.message import Message
from bot.dialogue.transcript import add_messages
from bot.escalation import outbox
from bot.handout import Handout
from bot.store.models import Conversation
from bot.telegram import chats
from bot.telegram.running import Telegram
from bot.threads import in_thread

logger = logging.getLogger(__name__)

SECRET_HEADER = "x-telegram-bot-api-secret-token"


class TelegramOutput(OutputChannel):
    """What Rasa says by itself, a reminder for one: it becomes part of the transcript and leaves as all else does.

    The recipient is a conversation, never a chat's number.
    """

    def __init__(self, parts: Service) -> None:
        self._parts = parts

    @classmethod
    def name(cls) -> str:
        """Rasa's name for this output."""
        return chats.CHANNEL

    async def send_text_message(self, recipient_id: str, text: str, **kwargs: Any) -> None:
        """Say a plain response of the domain."""
        await self._say(recipient_id, Message(text, "notice").as_dict())

    async def send_custom_json(self, recipient_id: str, json_message: Mapping[str, Any], **kwargs: Any) -> None:
        """Say a message of ours."""
        await self._say(recipient_id, json_message)

    async def _say(self, conversation_id: str, message: Mapping[str, Any]) -> None:
        def say() -> None:
            with self._parts.database.transaction() as session:
                add_messages(session, conversation_id, [message], pushed=True)

        await in_thread(say)


class TelegramChannel(InputChannel):
    """Rasa input channel `telegram`. Its settings come from the environment and .env."""

    def __init__(self) -> None:
        self._parts: Optional[Service] = None

    @classmethod
    def name(cls) -> str:
        """Rasa's name of the channel."""
        return chats.CHANNEL

    def url_prefix(self) -> str:
        """The leading slash mounts the channel at the root."""
        return "/"

    def get_output_channel(self) -> Optional[OutputChannel]:
        """Where Rasa says something that nobody asked for."""
        return TelegramOutput(self._parts) if self._parts is not None else None

    def blueprint(self, on_new_message: Callable[[UserMessage], Awaitable[Any]]) -> Blueprint:
        """The routes; the turn replaces Rasa's own message callback."""
        blueprint = Blueprint("telegram")

        @blueprint.exception(Exception)
        async def _problem(request: Request, error: Exception) -> HTTPResponse:
            return as_problem(error).response()

        @blueprint.listener("after_server_start")
        async def start(app: Sanic, _loop: Any) -> None:
            self._parts = service(app)
            app.ctx.telegram = begin(app, self._parts)

        @blueprint.listener("before_server_stop")
        async def stop(app: Sanic, _loop: Any) -> None:
            running: Optional[Telegram] = app.ctx.telegram
            if running is not None:
                await running.stop()

        @blueprint.post("/webhooks/telegram/webhook")
        async def webhook(request: Request) -> HTTPResponse:
            parts, running = service(request.app), _running(request.app)
            if running is None or parts.settings.telegram_mode != "webhook":
                raise Problem(404, "There is no webhook here: Telegram is off, or TELEGRAM_MODE is polling.")
            _require_secret(parts, request)
            try:
                update = json.loads(request.body)
            except (ValueError, RecursionError):
                # Telegram would send the same again for a day; there is nothing in it to keep
                logger.warning("A webhook call of Telegram could not be read; it was dropped.")
                return json_response({})
            await running.keep(update)
            return json_response({})

        @blueprint.post("/chat/link")
        async def link(request: Request) -> HTTPResponse:
            parts = service(request.app)
            conversation_id = parts.tokens.conversation(request.headers.get("authorization", ""))
            parts.limits.hit("sessions", conversation_id)
            body(request)
            running = _running(request.app)
            username = await running.username() if running is not None else None
            if username is None:
                raise Problem(404, "The practice does not use Telegram. Go on in this chat.")

            def make() -> str:
                with parts.database.transaction() as session:
                    if session.get(Conversation, conversation_id) is None:
                        raise Problem(404, "This conversation does not exist any more. Start a new one.")
                    return chats.new_link(session, conversation_id)

            token = await in_thread(make)
            return json_response(
                {"url": f"https://t.me/{username}?start={token}"}, status=201, headers={"Cache-Control": "no-store"}
            )

        return blueprint


def begin(app: Sanic, parts: Service) -> Optional[Telegram]:
    """Start Telegram in this process, if there is a token."""
    if not parts.settings.telegram_bot_token.get_secret_value():
        return None

    def agent() -> Any:
        loaded = getattr(app.ctx, "agent", None)
        return loaded if loaded is not None and loaded.is_ready() else None

    running = Telegram(
        parts.settings,
        parts.database,
        parts.live,
        parts.turns,
        Handout.load(),
        parts.checks.booking_tokens,
        agent,
    )
    parts.outbox.register(outbox.TELEGRAM, running.sender)
    if running.notices is not None:
        parts.outbox.register(outbox.TELEGRAM_NOTICE, running.notices)
    running.start()
    return running


def _running(app: Sanic) -> Optional[Telegram]:
    found: Optional[Telegram] = getattr(app.ctx, "telegram", None)
    return found


def _require_secret(parts: Service, request: Request) -> None:
    """Make sure that Telegram is calling.

    Raises:
        Problem: 401, when the secret is missing or wrong.
    """
    expected = parts.settings.telegram_webhook_secret.get_secret_value().encode()
    shown = request.headers.get(SECRET_HEADER, "").encode(errors="replace")
    if not expected or not hmac.compare_digest(shown, expected):
        raise Problem(401, "Only Telegram calls this address, with the secret that was agreed with it.")
