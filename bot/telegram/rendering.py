"""How a message of the transcript looks in Telegram.

Plain text with entities: nothing in a text can be mistaken for markup, so
nothing has to be escaped. Telegram counts UTF-16 code units, and so does this
module. It must not know chats, databases or the network.
Source: core.telegram.org/bots/api, "sendMessage", "MessageEntity", "InlineKeyboardButton".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Dict, List, Mapping, Optional, Sequence, Tuple
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from bot.booking import LIFE
from bot.handout import Handout

MAX_TEXT = 4096
# kept free for the lines around a text: who speaks, the source, the link
AROUND = 600
MAX_DATA_BYTES = 64
# after what a text may be divided, the best first; the end of a sentence before a mere blank
_ENDS = (re.compile(r"\n+"), re.compile(r"[.!?…][\"')\]]*\s+"), re.compile(r"\s+"))
_REFERENCE = re.compile(r"([1-9]\d{0,18})\.(\d{1,2})", re.ASCII)
# what a button's press is answered with once one of its row was taken
TAKEN = "taken"


@dataclass(frozen=True)
class Shown:
    """What one `sendMessage` carries.

    Attributes:
        entities: offsets and lengths in UTF-16 code units.
        keyboard: rows of inline buttons; None for none.
    """

    text: str
    entities: List[Dict[str, Any]] = field(default_factory=list)
    keyboard: Optional[List[List[Dict[str, str]]]] = None

    def parameters(self) -> Dict[str, Any]:
        """The parameters of `sendMessage` besides the chat."""
        return {
            "text": self.text,
            "entities": self.entities or None,
            "reply_markup": {"inline_keyboard": self.keyboard} if self.keyboard else None,
            "link_preview_options": {"is_disabled": True},
        }


def units(text: str) -> int:
    """The length of a text as Telegram counts it: UTF-16 code units."""
    return len(text) + sum(character > "\uffff" for character in text)


def split(text: str, limit: int = MAX_TEXT) -> List[str]:
    """Divide a text into pieces of at most `limit` UTF-16 units: between lines, else sentences, else words."""
    pieces = []
    rest = text.strip()
    while units(rest) > limit:
        cut = _cut(rest, limit)
        pieces.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*pieces, rest] if rest or not pieces else pieces


def _cut(text: str, limit: int) -> int:
    fits = _prefix(text, limit)
    window = text[:fits]
    for end in _ENDS:
        cuts = [match.end() for match in end.finditer(window)]
        # a cut near the beginning would leave a scrap
        if cuts and cuts[-1] > fits // 2:
            return cuts[-1]
    return fits


def _prefix(text: str, limit: int) -> int:
    """How many characters of `text` fit into `limit` units."""
    used = 0
    for index, character in enumerate(text):
        used += 2 if character > "\uffff" else 1
        if used > limit:
            return index
    return len(text)


def show(
    handout: Handout,
    booking_url: str,
    *,
    seq: int,
    sender: str,
    text: str,
    sources: Sequence[str] = (),
    buttons: Sequence[Mapping[str, str]] = (),
    decision: Optional[Mapping[str, Any]] = None,
) -> List[Shown]:
    """The pieces in which a stored message is sent, in order.

    Args:
        booking_url: where a client who may book goes on; empty: no link.
        seq: the message's place in the transcript, which its buttons refer to.
    """
    bodies = split(text, MAX_TEXT - AROUND)
    pieces = []
    for number, body in enumerate(bodies):
        line = _Line()
        if number == 0 and sender == "therapist":
            line.add(handout.say("telegram.from_therapist") + "\n", type="bold")
        line.add(body)
        keyboard = None
        if number == len(bodies) - 1:
            if sources:
                topics = ", ".join(handout.passage(source).title for source in sources)
                line.add("\n\n")
                line.add(handout.say("telegram.sources", topics=topics), type="italic")
            token = (decision or {}).get("token")
            if token and booking_url:
                line.add("\n\n")
                book = handout.say("telegram.book", minutes=str(int(LIFE.total_seconds() // 60)))
                line.add(book, type="text_link", url=booking_link(booking_url, str(token)))
            keyboard = [
                [{"text": button["title"], "callback_data": reference(seq, index)}]
                for index, button in enumerate(buttons)
            ] or None
        pieces.append(Shown(line.text, line.entities, keyboard))
    return pieces


class _Line:
    """A text that grows, with the entities of what was added."""

    def __init__(self) -> None:
        self.text = ""
        self.entities: List[Dict[str, Any]] = []

    def add(self, text: str, **entity: str) -> None:
        if entity:
            self.entities.append({**entity, "offset": units(self.text), "length": units(text.rstrip())})
        self.text += text


def booking_link(address: str, token: str) -> str:
    """The practice's booking page with the token that opens it."""
    parts = urlsplit(address)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "token"]
    return urlunsplit(parts._replace(query=urlencode([*query, ("token", token)])))


def reference(seq: int, index: int) -> str:
    """What a button sends back: the message and the place in it, never more than 64 bytes."""
    return f"{seq}.{index}"


def referred(data: str) -> Optional[Tuple[int, int]]:
    """The message and the place that `reference` named, or None for data that it never made."""
    match = _REFERENCE.fullmatch(data)
    return (int(match[1]), int(match[2])) if match else None


def taken(title: str) -> Dict[str, Any]:
    """The keyboard of a question that was answered: only what was chosen, marked."""
    return {"inline_keyboard": [[{"text": f"✓ {title}", "callback_data": TAKEN}]]}
