"""Waking watchers: from any thread, without losing a change that happens while they work."""

from __future__ import annotations

import asyncio
from threading import Thread

from bot.channels.live import Live
from bot.store.database import Database, touch

LONG = 3600


async def test_a_watcher_is_woken_by_its_topic_from_another_thread() -> None:
    live = Live()
    watch = live.watch("conversation:c", LONG)
    await watch.__anext__()
    thread = Thread(target=lambda: live.changed("conversation:d", "conversation:c"))
    thread.start()
    await asyncio.wait_for(watch.__anext__(), 5)
    thread.join()
    await watch.aclose()


async def test_a_change_while_the_watcher_works_wakes_it_again() -> None:
    live = Live()
    watch = live.watch("t", LONG)
    await watch.__anext__()
    live.changed("t")
    await asyncio.sleep(0)
    await asyncio.wait_for(watch.__anext__(), 5)
    await watch.aclose()


async def test_a_watcher_wakes_by_itself_when_nothing_tells_it() -> None:
    live = Live()
    watch = live.watch("t", 0.001)
    for _ in range(3):
        await asyncio.wait_for(watch.__anext__(), 5)
    await watch.aclose()


async def test_a_watcher_that_leaves_is_forgotten() -> None:
    live = Live()
    watch = live.watch("t", LONG)
    await watch.__anext__()
    await watch.aclose()
    assert live._waiters == {}
    live.changed("t")


def test_what_a_transaction_touched_is_told_after_its_commit_and_not_after_a_rollback(database: Database) -> None:
    told = []
    database.on_commit = told.append
    with database.transaction() as session:
        touch(session, "a", "b")
        assert told == []
    try:
        with database.transaction() as session:
            touch(session, "c")
            raise RuntimeError
    except RuntimeError:
        pass
    assert told == [frozenset({"a", "b"})]
