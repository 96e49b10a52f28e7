"""When a client may expect an answer, from the practice's hours."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours


def expected_answer(hours: str, zone: str, now: datetime) -> str:
    """Say when the practice will next be there, in words that end a sentence.

    Args:
        hours: the practice's hours in OpenStreetMap's notation, `Mo-Fr 09:00-17:00`.
        zone: the practice's IANA time zone.
        now: the moment of asking, with a zone.

    Returns:
        For example "today before 17:00" or "on Monday from 09:00".
    """
    local = now.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    opening = OpeningHours(hours)
    change = opening.next_change(local)
    if change is None:
        return "as soon as the practice can" if not opening.is_open(local) else "today"
    if opening.is_open(local):
        if change.date() == local.date():
            return f"today before {change:%H:%M}"
        return "today"
    return f"{_day(change, local)} from {change:%H:%M}"


def _day(moment: datetime, today: datetime) -> str:
    if moment.date() == today.date():
        return "today"
    if moment.date() == (today + timedelta(days=1)).date():
        return "tomorrow"
    if (moment - today).days < 7:
        return f"on {moment:%A}"
    return f"on {moment:%A %d %B}"
