"""How the desk names things: reasons, states, outcomes, channels, lengths of time.

Words for the therapist only; what clients read is in `bot/handout/content`.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

REASONS = {
    "emergency": "Alarming symptom",
    "urgent": "Health screen: urgent",
    "not_eligible": "Health screen: on the list of reasons not to treat",
    "review": "Health screen: needs your eye",
    "modified": "Health screen: gentler version possible",
    "note": "May book, with a note for you",
    "human": "Asked for you",
    "complaint": "Complaint",
    "after_effect": "After-effect beyond normal",
    "question": "Question that the handout leaves open",
    "not_understood": "Not understood twice",
    "unreachable": "Blocked the bot in Telegram",
}
PRIORITIES = {"urgent": "Urgent", "decision": "Decision", "question": "Question"}
STATES = {
    "open": "Open",
    "taken_over": "You have taken over",
    "waiting_for_client": "Waiting for the client",
    "closed": "Closed",
}
OUTCOMES = {
    "eligible": "May book",
    "modified": "Gentler version possible",
    "review": "Needs your eye",
    "not_eligible": "Not online",
    "urgent": "Urgent",
    "incomplete": "Not finished",
}
RULINGS = {"approved": "You approved it", "declined": "You declined it"}
STATUSES = {
    "present": "has it",
    "unsure": "not sure",
    "past": "had it",
    "absent": "does not have it",
    "other_person": "somebody else has it",
    "hypothetical": "only supposed",
}
CHANNELS = {"chat": "Website chat", "telegram": "Telegram", "eligibility": "Booking check"}
SENDERS = {"client": "Client", "assistant": "Assistant", "therapist": "You"}
ACTIONS = {
    "opened": "opened",
    "viewed": "looked at",
    "taken_over": "took over",
    "replied": "replied in",
    "approved": "approved a decision in",
    "declined": "declined a decision in",
    "closed": "closed",
    "reopened": "reopened",
    "exported": "exported",
    "deleted": "deleted",
    "purged": "deleted by the retention rule",
}
KINDS = {
    "email": "E-mail to you",
    "telegram_notice": "Telegram note to you",
    "telegram": "Message to a client on Telegram",
    "client_email": "E-mail to a client",
    "checkin": "Question after a session",
    "webhook": "Note to the booking site",
}


def reason(name: str) -> str:
    """A reason in words."""
    return REASONS.get(name, plain(name))


def plain(name: str) -> str:
    """An identifier as words: `after_effect` as "After effect"."""
    return name.replace("_", " ").replace(".", " ").strip().capitalize()


def length(span: timedelta) -> str:
    """A length of time as a person says it: "3 min", "2 h 5 min", "4 days"."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 1:
        return "less than a minute"
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 24 * 60:
        hours, rest = divmod(minutes, 60)
        return f"{hours} h {rest} min" if rest else f"{hours} h"
    days = minutes // (24 * 60)
    return f"{days} day{'s' if days > 1 else ''}"


def local(moment: datetime, zone: str) -> datetime:
    """A time of the database (UTC without a zone) in the practice's time zone."""
    return moment.replace(tzinfo=timezone.utc).astimezone(ZoneInfo(zone))
