"""Work that waits for the disk or reads words, out of the event loop's way."""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from typing import Callable, TypeVar

T = TypeVar("T")


async def in_thread(work: Callable[[], T]) -> T:
    """Do `work` in another thread: a locked or slow database must not stop the event loop.

    Log lines of the work keep the id of its request.
    """
    return await asyncio.get_running_loop().run_in_executor(None, copy_context().run, work)
