"""Waking whoever shows something live, when it may have changed.

A hint and nothing more: whoever is woken reads the database, and wakes by
itself every few seconds in case a hint was lost or another process made the
change. Nothing is carried here. `bot.store.topics` names the topics.
"""

from __future__ import annotations

import asyncio
from threading import Lock
from typing import AsyncGenerator, Dict, Iterable, Set, Tuple

_Waiter = Tuple[asyncio.AbstractEventLoop, asyncio.Event]


class Live:
    """Wakes watchers of this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._waiters: Dict[str, Set[_Waiter]] = {}
        self._closed = False

    def changed(self, *topics: str) -> None:
        """Wake the watchers of these topics. May be called from any thread."""
        self.changed_all(topics)

    def changed_all(self, topics: Iterable[str]) -> None:
        """The same for a collection of topics; `Database.on_commit` takes it."""
        with self._lock:
            waiting = [waiter for topic in topics for waiter in self._waiters.get(topic, ())]
        for loop, event in waiting:
            if not loop.is_closed():
                loop.call_soon_threadsafe(event.set)

    def close(self) -> None:
        """End every watch: the server stops."""
        self._closed = True
        self.changed_all(list(self._waiters))

    async def watch(self, topic: str, every: float) -> AsyncGenerator[None, None]:
        """Yield at once, then after each change, and at least every `every` seconds.

        A change that happens while the watcher works wakes it again afterwards. Use it with
        `contextlib.aclosing`, so that a watcher who leaves early is forgotten at once.
        """
        waiter = (asyncio.get_running_loop(), asyncio.Event())
        with self._lock:
            self._waiters.setdefault(topic, set()).add(waiter)
        try:
            while not self._closed:
                waiter[1].clear()
                yield
                try:
                    await asyncio.wait_for(waiter[1].wait(), every)
                except asyncio.TimeoutError:
                    continue
        finally:
            with self._lock:
                self._waiters[topic].discard(waiter)
                if not self._waiters[topic]:
                    del self._waiters[topic]
