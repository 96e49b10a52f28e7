"""A Bot API of our own, for what the emulator from the registry lacks.

The emulator (tools/telegram) marks an update as read when it is asked for,
answers at once, knows no secret token, no chat actions, no commands and no
refusal. Here updates stay until they are confirmed by the next offset,
questions are held open, sizes are checked as Telegram checks them, and a test
can order refusals. It holds nothing that the emulator does well.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import Any, Dict, List, Optional

from aiohttp import web

TOKEN = "4242:abcdefghijklmnop"


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


class FakeBotApi:
    """One bot's API; `sent` holds what its clients received, in order."""

    def __init__(self) -> None:
        self.sent: List[Dict[str, Any]] = []
        self.calls: Dict[str, List[Dict[str, Any]]] = defaultdict(list)
        #: Envelopes that the next calls of a method are refused with.
        self.refusals: Dict[str, List[Dict[str, Any]]] = defaultdict(list)
        self.revoked = False
        self.waiting: List[Dict[str, Any]] = []
        #: Ids of all updates so far.
        self.pushed: List[int] = []
        self._arrived = asyncio.Condition()
        self._next_update = 1000
        self._next_message = 1
        self._runner: Optional[web.AppRunner] = None
        self.url = ""

    async def start(self, port: int = 0) -> FakeBotApi:
        app = web.Application()
        app.router.add_post("/bot{token}/{method}", self._serve)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def stop(self) -> None:
        if self._runner is not None:
            async with self._arrived:
                # questions that are held open end
                self._arrived.notify_all()
            await self._runner.cleanup()
            self._runner = None

    async def push(self, **fields: Any) -> Dict[str, Any]:
        """Let an update wait for the bot; returns it."""
        self._next_update += 1
        update = {"update_id": self._next_update, **fields}
        async with self._arrived:
            self.waiting.append(update)
            self.pushed.append(update["update_id"])
            self._arrived.notify_all()
        return update

    async def say(self, chat: int, text: str = "", **fields: Any) -> Dict[str, Any]:
        """A client writes in their private chat."""
        return await self.push(message=message(chat, self._number(), text, **fields))

    async def press(self, chat: int, data: str, message_id: int = 1) -> Dict[str, Any]:
        """A client presses a button."""
        return await self.push(
            callback_query={
                "id": str(self._number()),
                "from": {"id": chat},
                "data": data,
                "message": {"message_id": message_id, "chat": {"id": chat, "type": "private"}, "date": 1},
            }
        )

    def to(self, chat: int) -> List[str]:
        """The texts that a chat received."""
        return [one["text"] for one in self.sent if one["chat_id"] == chat]

    def _number(self) -> int:
        self._next_message += 1
        return self._next_message

    async def _serve(self, request: web.Request) -> web.Response:
        if self.revoked or request.match_info["token"] != TOKEN:
            return _refused(401, "Unauthorized")
        method = request.match_info["method"]
        given = await request.json()
        self.calls[method].append(given)
        if self.refusals[method]:
            refusal = self.refusals[method].pop(0)
            return web.json_response(refusal, status=refusal["error_code"])
        if method == "getMe":
            return _done({"id": 4242, "is_bot": True, "username": "harbour_bot"})
        if method == "getUpdates":
            return _done(await self._updates(given))
        if method == "sendMessage":
            return self._sent(given)
        if method == "getWebhookInfo":
            url = self.calls["setWebhook"][-1]["url"] if self.calls["setWebhook"] else ""
            return _done({"url": url, "pending_update_count": 0})
        return _done(True)

    async def _updates(self, given: Dict[str, Any]) -> List[Dict[str, Any]]:
        async with self._arrived:
            if given.get("offset"):
                self.waiting = [one for one in self.waiting if one["update_id"] >= given["offset"]]
            if not self.waiting:
                try:
                    await asyncio.wait_for(self._arrived.wait(), given.get("timeout", 0))
                except asyncio.TimeoutError:
                    return []
            return self.waiting[: given.get("limit", 100)]

    def _sent(self, given: Dict[str, Any]) -> web.Response:
        text = given.get("text", "")
        if not text.strip():
            return _refused(400, "Bad Request: message text is empty")
        if units(text) > 4096:
            return _refused(400, "Bad Request: message is too long")
        for entity in given.get("entities", []):
            if entity["offset"] + entity["length"] > units(text):
                return _refused(400, "Bad Request: entity out of bounds")
        rows = given.get("reply_markup", {}).get("inline_keyboard", [])
        if any(not 1 <= len(button["callback_data"].encode()) <= 64 for row in rows for button in row):
            return _refused(400, "Bad Request: BUTTON_DATA_INVALID")
        sent = {**given, "message_id": self._number()}
        self.sent.append(sent)
        return _done({"message_id": sent["message_id"], "chat": {"id": given["chat_id"], "type": "private"}, "date": 1})


def message(chat: int, number: int = 1, text: str = "", **fields: Any) -> Dict[str, Any]:
    """A message of the Bot API in a private chat."""
    made = {
        "message_id": number,
        "date": 1_700_000_000,
        "chat": {"id": chat, "type": "private", "first_name": "Kim"},
        "from": {"id": chat, "is_bot": False, "first_name": "Kim"},
        **fields,
    }
    return {**made, "text": text} if text else made


def refusal(code: int, description: str = "", **parameters: Any) -> Dict[str, Any]:
    """An envelope that refuses a call."""
    envelope: Dict[str, Any] = {"ok": False, "error_code": code, "description": description or f"Error {code}"}
    return {**envelope, "parameters": parameters} if parameters else envelope


def _refused(code: int, description: str) -> web.Response:
    return web.json_response(refusal(code, description), status=code)


def _done(result: Any) -> web.Response:
    return web.json_response({"ok": True, "result": result})
