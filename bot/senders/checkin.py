"""Check-ins: the row that is due becomes a message, and a mail for who left an address."""

from __future__ import annotations

from bot.dialogue.checkins import Checkins
from bot.escalation.delivery import Item
from bot.handout import Handout
from bot.senders.mail import Mailer
from bot.settings import Settings
from bot.store.database import Database
from bot.threads import in_thread


class CheckinSender:
    """Sender of the outbox's kind `checkin`: it only writes, and the message travels as any other does."""

    def __init__(self, database: Database, checkins: Checkins) -> None:
        self._database = database
        self._checkins = checkins

    async def send(self, item: Item) -> None:
        """Make one check-in."""
        await in_thread(lambda: self._make(item))

    def _make(self, item: Item) -> None:
        with self._database.transaction() as session:
            self._checkins.make(session, item)


class CheckinMail:
    """Sender of the outbox's kind `client_email`: a pointer to the chat, without a word about health."""

    def __init__(self, mailer: Mailer, handout: Handout, settings: Settings) -> None:
        self._mailer = mailer
        self._handout = handout
        self._settings = settings

    async def send(self, item: Item) -> None:
        """Mail the client that there is something to read."""
        subject = self._handout.say("checkin.mail_subject", practice_name=self._settings.practice_name)
        lines = (
            self._handout.say("checkin.mail", link=f"{self._settings.address}/"),
            self._handout.say("checkin.mail_footer"),
        )
        await self._mailer.send(item.key, item.payload["to"], subject, "\n\n".join(lines))
