"""Work that waits for the disk or reads words, out of the event loop's way."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, Callable, Final, TypeVar

T = TypeVar("T")

#: More than there are messages answered at a time (`bot.channels.admission`), each of which may hold one for its
#: action: a message that comes then is still written down, and looked at for an emergency. No more than a process
#: may have connections to its database.
THREADS: Final = 14


async def in_thread(work: Callable[[], T]) -> T:
    """Do `work` in another thread: a locked or slow database must not stop the event loop.

    Log lines of the work keep the id of its request.
    """
    return await asyncio.get_running_loop().run_in_executor(None, copy_context().run, work)


async def prepare_threads(*_: Any) -> None:
    """Give the running event loop its threads; a listener for the start of a server."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="work"))
