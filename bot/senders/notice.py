"""What the therapist is told about a case, and when they may be disturbed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Callable, Mapping
from zoneinfo import ZoneInfo

from bot.escalation.delivery import Later
from bot.handout import Handout
from bot.settings import QuietHours, Settings
from bot.store.models import case_label

URGENT = "urgent"


@dataclass(frozen=True)
class Notice:
    """One notice: a line, where the case is, and whether it may wait until the morning."""

    headline: str
    link: str
    urgent: bool


class Notices:
    """Makes notices of outbox rows, and holds them back in quiet hours.

    Args:
        clock: the moment, with a zone.
    """

    def __init__(
        self,
        handout: Handout,
        settings: Settings,
        clock: Callable[[], datetime] = lambda: datetime.now(timezone.utc),
    ) -> None:
        self._handout = handout
        self._address = settings.address
        self._zone = ZoneInfo(settings.timezone)
        self._quiet = QuietHours.of(settings.quiet_hours) if settings.quiet_hours else None
        self._clock = clock

    def read(self, payload: Mapping[str, Any]) -> Notice:
        """The notice of a row that `bot.escalation.notices.notify` wrote.

        Raises:
            Later: it is quiet now, and this one can wait.
        """
        urgent = payload["priority"] == URGENT
        self._rest(urgent)
        # a case that was urgent from the start is told as such
        event = URGENT if urgent and payload["event"] == "opened" else payload["event"]
        case = case_label(payload["case"])
        return Notice(self._handout.say(f"notice.{event}", case=case), f"{self._address}/desk/cases/{case}", urgent)

    def _rest(self, urgent: bool) -> None:
        if urgent or self._quiet is None:
            return
        end = self._quiet.end_of(self._clock().astimezone(self._zone))
        if end is not None:
            raise Later(end.astimezone(timezone.utc).replace(tzinfo=None))
