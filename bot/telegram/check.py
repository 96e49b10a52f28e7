"""Whether Telegram works, in lines for the person who set it up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, List, Optional

from bot.settings import Settings
from bot.store.database import Database
from bot.store.models import TelegramBot
from bot.telegram import bots
from bot.telegram.api import ApiError, BotApi, Unauthorized
from bot.telegram.polling import UNREACHABLE
from bot.telegram.work import reading


@dataclass(frozen=True)
class Report:
    """What was found; `well` is False where something has to be done."""

    lines: List[str]
    well: bool


async def check(settings: Settings, database: Database) -> Report:
    """Ask the Bot API about the bot, and the database about its updates.

    Raises:
        StoreError: the database cannot be read.
    """
    token = settings.telegram_bot_token.get_secret_value()
    if not token:
        return Report(["off; set TELEGRAM_BOT_TOKEN to turn it on"], True)
    row: Optional[TelegramBot] = await reading(database, lambda session: session.get(TelegramBot, bots.bot_id(token)))
    last = row.last_update_at if row is not None else None
    lines = [
        f"mode {settings.telegram_mode}",
        f"last update {last:%Y-%m-%d %H:%M:%S} UTC" if last is not None else "no update has come yet",
    ]
    api = BotApi(token, settings.telegram_api_base)
    try:
        me = await api.call("getMe")
        webhook = await api.call("getWebhookInfo") if settings.telegram_mode == "webhook" else None
    except Unauthorized:
        return Report([bots.REVOKED, *lines], False)
    except ApiError:
        return Report([UNREACHABLE, *lines], False)
    finally:
        await api.close()
    lines.insert(0, f"the token works: @{me.get('username')}" if isinstance(me, dict) else "the token works")
    problems = _webhook_problems(settings, webhook) if webhook is not None else []
    return Report([*lines, *problems], not problems)


def _webhook_problems(settings: Settings, info: Any) -> List[str]:
    found = info if isinstance(info, dict) else {}
    problems = []
    if found.get("url") != settings.telegram_webhook_url:
        problems.append("the webhook is not registered with Telegram; it is when the assistant starts")
    if found.get("last_error_date"):
        waiting = found.get("pending_update_count", 0)
        problems.append(
            f"Telegram could not deliver to TELEGRAM_WEBHOOK_URL lately; {waiting} updates wait. "
            "Check that the address leads here from outside, with a valid certificate."
        )
    return problems
