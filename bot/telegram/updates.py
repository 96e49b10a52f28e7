"""Reading an update of the Bot API: what kind of thing happened, in which chat.

Whatever an update holds, reading it ends in one of the classes here: most
fields are optional, new types appear with every version of the API, and a
forged update may hold anything. This module must not know what follows.
Source: core.telegram.org/bots/api, "Update" and "Message".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Mapping, Optional, Tuple, Union

# what the bot asks Telegram to send; every other type stays with Telegram
WANTED = ("message", "edited_message", "callback_query", "my_chat_member")

# what a client may send instead of words: the fields of a message that hold it
MEDIA = (
    "photo",
    "voice",
    "audio",
    "video",
    "video_note",
    "animation",
    "sticker",
    "document",
    "contact",
    "location",
    "venue",
    "poll",
    "dice",
    "story",
    "paid_media",
    "game",
    "checklist",
)
COMMANDS = ("start", "help", "human", "stop", "delete")
_COMMAND = re.compile(r"/([a-z]{1,32})(?:@\w+)?(?:\s+(.*))?", re.DOTALL | re.IGNORECASE)
# the bounds of a signed 64-bit integer, which is what the Bot API promises of ids
_LARGEST_ID = 2**63 - 1


@dataclass(frozen=True)
class Words:
    """A client wrote something in a private chat."""

    chat: int
    text: str


@dataclass(frozen=True)
class Command:
    """A client gave one of our commands."""

    chat: int
    name: str
    argument: str = ""


@dataclass(frozen=True)
class Media:
    """A client sent something that cannot be read, perhaps with words below it."""

    chat: int
    kind: str
    caption: str = ""


@dataclass(frozen=True)
class Edited:
    """A client changed a message that was sent before."""

    chat: int
    text: str


@dataclass(frozen=True)
class Press:
    """A client pressed a button.

    Attributes:
        query: what the press is acknowledged with.
        message: the Bot API's id of the message that holds the button, where it is known.
    """

    chat: int
    query: str
    data: str
    message: Optional[int]


@dataclass(frozen=True)
class Membership:
    """A client blocked the bot in their private chat, or let it in again."""

    chat: int
    blocked: bool


@dataclass(frozen=True)
class Elsewhere:
    """Something was said to the bot in a group."""

    chat: int


@dataclass(frozen=True)
class Nothing:
    """Nothing to answer: a type that is not known, or not made to be answered."""


Update = Union[Words, Command, Media, Edited, Press, Membership, Elsewhere, Nothing]


def update_id(raw: Any) -> Optional[int]:
    """The id of an update, or None where `raw` is no update."""
    return _id(raw.get("update_id")) if isinstance(raw, Mapping) else None


def chat_id(raw: Mapping[str, Any]) -> Optional[int]:
    """The chat that an update belongs to: updates of one chat are handled in order."""
    read = read_update(raw)
    return None if isinstance(read, Nothing) else read.chat


def read_update(raw: Mapping[str, Any]) -> Update:
    """What happened in an update, whatever it holds."""
    pressed = raw.get("callback_query")
    if isinstance(pressed, Mapping):
        return _press(pressed)
    member = raw.get("my_chat_member")
    if isinstance(member, Mapping):
        return _membership(member)
    edited = raw.get("edited_message")
    if isinstance(edited, Mapping):
        chat, private = _chat(edited)
        # a live location that moves is an edit too
        text = _text(edited, "text") or _text(edited, "caption")
        return Edited(chat, text) if chat is not None and private and text else Nothing()
    message = raw.get("message")
    return _message(message) if isinstance(message, Mapping) else Nothing()


def _message(message: Mapping[str, Any]) -> Update:
    chat, private = _chat(message)
    if chat is None:
        return Nothing()
    kind = next((name for name in MEDIA if message.get(name) is not None), None)
    text = _text(message, "text")
    if not private:
        return Elsewhere(chat) if kind or text else Nothing()
    if kind is not None:
        return Media(chat, kind, _text(message, "caption"))
    if not text:
        # a pinned message, a changed title and the like
        return Nothing()
    command = _COMMAND.fullmatch(text.strip())
    if command is not None and command[1].lower() in COMMANDS:
        return Command(chat, command[1].lower(), (command[2] or "").strip())
    return Words(chat, text)


def _press(query: Mapping[str, Any]) -> Update:
    name, data = query.get("id"), query.get("data")
    message = query.get("message")
    message = message if isinstance(message, Mapping) else {}
    chat, private = _chat(message)
    if chat is None:
        # a private chat has the id of the person in it
        sender = query.get("from")
        chat, private = (_id(sender.get("id")), True) if isinstance(sender, Mapping) else (None, False)
    if chat is None or not isinstance(name, str) or not 0 < len(name) <= 64:
        return Nothing()
    if not private:
        return Elsewhere(chat)
    return Press(chat, name, data if isinstance(data, str) else "", _id(message.get("message_id")))


def _membership(member: Mapping[str, Any]) -> Update:
    chat, private = _chat(member)
    now = member.get("new_chat_member")
    status = now.get("status") if isinstance(now, Mapping) else None
    if chat is None or status not in ("member", "kicked"):
        return Nothing()
    if not private:
        return Elsewhere(chat) if status == "member" else Nothing()
    return Membership(chat, status == "kicked")


def _chat(holder: Mapping[str, Any]) -> Tuple[Optional[int], bool]:
    chat = holder.get("chat")
    if not isinstance(chat, Mapping):
        return None, False
    return _id(chat.get("id")), chat.get("type") == "private"


def _id(value: Any) -> Optional[int]:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _LARGEST_ID:
        return None
    return value


def _text(holder: Mapping[str, Any], name: str) -> str:
    value = holder.get(name)
    return value if isinstance(value, str) else ""
