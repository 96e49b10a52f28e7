"""The bot in a process of its own, which a test kills: `python -m tests.integration.telegram.child <database> <api>`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from bot.channels.turn import Turns
from bot.dialogue.alarm import AlarmReply
from bot.dialogue.greeting import greeting
from bot.emergency import EmergencyDetector
from bot.handout import Handout
from bot.screening import Rulebook
from bot.settings import Settings
from bot.store.database import Database
from tests.integration.telegram.conftest import Bot
from tests.integration.telegram.fake import TOKEN


async def main(path: Path, api: str) -> None:
    database = Database(f"sqlite:///{path}")
    settings = Settings(_env_file=None, telegram_bot_token=TOKEN, telegram_api_base=api)
    handout, detector = Handout.load(), EmergencyDetector.load(lexical_only=True)
    alarm = AlarmReply(detector, Rulebook.load(), settings)
    turns = Turns(database, detector, alarm, lambda: greeting(handout, settings))
    Bot(database, settings, turns, handout).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
