"""When a client may expect an answer, from the practice's hours, and since when they wait."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
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


def waiting_since(zone: str, moment: datetime, now: datetime) -> str:
    """Say since when somebody waits, in words that end a sentence.

    Args:
        zone: the practice's IANA time zone.
        moment: when the waiting began, UTC without a zone, as the database keeps it.
        now: the moment of asking, with a zone.

    Returns:
        For example "10:40 today", "yesterday 16:05" or "Friday 20 November".
    """
    local = now.astimezone(ZoneInfo(zone))
    began = moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone))
    days = (local.date() - began.date()).days
    if days == 0:
        return f"{began:%H:%M} today"
    if days == 1:
        return f"yesterday {began:%H:%M}"
    return f"{began:%A} {began.day} {began:%B}"


def _day(moment: datetime, today: datetime) -> str:
    if moment.date() == today.date():
        return "today"
    if moment.date() == (today + timedelta(days=1)).date():
        return "tomorrow"
    if (moment - today).days < 7:
        return f"on {moment:%A}"
    return f"on {moment:%A %d %B}"
