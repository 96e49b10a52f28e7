"""Working with the database from the event loop: in a thread, so that a slow or locked one stops nobody else."""

from __future__ import annotations

from typing import Callable, TypeVar

from sqlalchemy.orm import Session

from bot.store.database import Database
from bot.threads import in_thread

T = TypeVar("T")


async def in_transaction(database: Database, work: Callable[[Session], T]) -> T:
    """Do `work` in a transaction of its own.

    Raises:
        StoreError: the database refused; nothing of it was done.
    """

    def run() -> T:
        with database.transaction() as session:
            return work(session)

    return await in_thread(run)


async def reading(database: Database, work: Callable[[Session], T]) -> T:
    """The same for work that only reads.

    Raises:
        StoreError: the database refused.
    """

    def run() -> T:
        with database.reading() as session:
            return work(session)

    return await in_thread(run)
