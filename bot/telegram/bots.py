"""What is known of the bot: its name, its last update, what is wrong; and which server asks for updates.

Only one program may ask for a bot's updates at a time. Where several servers
run, the one whose turn it is says so here, and another takes over when it has
not done so for a while. This module must not know tokens.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Optional

from sqlalchemy.orm import Session

from bot.store.models import TelegramBot, utcnow

REVOKED = "Telegram does not accept TELEGRAM_BOT_TOKEN. Get a valid one from @BotFather and start again."


def bot_id(token: str) -> int:
    """The bot's public number, the part of its token before the colon."""
    return int(token.partition(":")[0])


def known(session: Session, bot: int) -> TelegramBot:
    """The row of this bot, made where there is none."""
    row: Optional[TelegramBot] = session.get(TelegramBot, bot, with_for_update=True)
    if row is None:
        row = TelegramBot(bot_id=bot)
        session.add(row)
        session.flush()
    return row


def works(session: Session, bot: int, username: Optional[str] = None) -> None:
    """The Bot API answered: nothing is wrong now."""
    row = known(session, bot)
    row.username = username or row.username
    row.problem = row.problem_at = None


def fails(session: Session, bot: int, problem: str) -> bool:
    """Take note of what is wrong; True if that is new."""
    row = known(session, bot)
    fresh = row.problem != problem
    row.problem = problem
    row.problem_at = utcnow()
    return fresh


def heard(session: Session, bot: int) -> None:
    """An update came."""
    known(session, bot).last_update_at = utcnow()


def may_poll(session: Session, bot: int, server: str, life: timedelta, now: Optional[datetime] = None) -> bool:
    """Whether it is this server that asks for updates; it is from now on for `life`, if nobody else is."""
    moment = now or utcnow()
    row = known(session, bot)
    if row.polled_by not in (None, server) and row.polled_until is not None and row.polled_until > moment:
        return False
    row.polled_by, row.polled_until = server, moment + life
    return True


def stop_polling(session: Session, bot: int, server: str) -> None:
    """Let another server ask at once."""
    row = known(session, bot)
    if row.polled_by == server:
        row.polled_by = row.polled_until = None
