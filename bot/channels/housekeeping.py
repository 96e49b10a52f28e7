"""What the server does once a day: delete what is older than the retention period."""

from __future__ import annotations

import asyncio
import logging

from bot import rights
from bot.store.database import Database, StoreError
from bot.threads import in_thread

logger = logging.getLogger(__name__)

DAY_SECONDS = 24 * 3600.0


async def purge_daily(database: Database, days: int) -> None:
    """Purge now, and then every day, until cancelled. Several servers may do it at once."""
    while True:
        try:
            gone = await in_thread(lambda: rights.purge(database, days))
            if gone:
                logger.info("%d conversations were older than %d days and have been deleted.", gone, days)
        except StoreError as error:
            logger.error("old conversations could not be deleted, the next try is tomorrow: %s", error)
        await asyncio.sleep(DAY_SECONDS)
