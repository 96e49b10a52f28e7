"""What a client may ask about their own data, in chat: what there is, a copy, and that it goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import rights
from bot.dialogue import buttons
from bot.dialogue.message import Button, Message
from bot.escalation import open_case_of
from bot.handout import Handout
from bot.settings import Settings

if TYPE_CHECKING:
    from bot.dialogue.assistant import Turn

# what a bare "yes" or "no" after the question is about
OFFER = "delete"


class MyData:
    """Answers what is asked about a client's own data."""

    def __init__(self, handout: Handout, settings: Settings, tickets: rights.ExportTickets) -> None:
        self._handout = handout
        self._settings = settings
        self._tickets = tickets

    def answer(self, turn: Turn, about: str) -> None:
        """Answer one wish.

        Args:
            about: `delete`, `delete_now`, `keep`, `export`; anything else asks what is kept.
        """
        wishes = {OFFER: self._ask, "delete_now": self._delete, "keep": self.keep, "export": self._export}
        wishes.get(about, self._tell)(turn)

    def _delete(self, turn: Turn) -> None:
        """Say that it is gone, and let whoever runs the turn delete it: the reply is the last thing said."""
        turn.memory.offered = None
        turn.erase = True
        self._say(turn, self._handout.say("my_data.deleted"))

    def keep(self, turn: Turn) -> None:
        """Leave everything as it is."""
        turn.memory.offered = None
        self._say(turn, self._handout.say("my_data.delete_kept"))

    def _ask(self, turn: Turn) -> None:
        turn.memory.offered = OFFER
        case = open_case_of(turn.session, turn.conversation_id)
        text = self._handout.say("my_data.delete_confirm")
        if case is not None:
            text = self._handout.say("my_data.delete_confirm_open", case=case.label)
        self._say(turn, text, buttons.delete_now(self._handout), buttons.keep(self._handout))

    def _export(self, turn: Turn) -> None:
        ticket = self._tickets.issue(turn.conversation_id, turn.now)
        link = f"{self._settings.address}/chat/export?ticket={ticket}"
        self._say(turn, self._handout.say("my_data.export", link=link))

    def _tell(self, turn: Turn) -> None:
        counted = {name: str(count) for name, count in rights.summary(turn.session, turn.conversation_id).items()}
        text = self._handout.say("my_data.what_you_know", days=str(self._settings.retention_days), **counted)
        self._say(turn, text, buttons.copy(self._handout), buttons.delete(self._handout))

    @staticmethod
    def _say(turn: Turn, text: str, *choices: Button) -> None:
        turn.messages.append(Message(text, "notice", buttons=choices))
