"""What the assistant counts and times about itself, for Prometheus.

Stages of a message are timed without what they wait for inside another stage, so that they
add up. Labels name parts of the product and HTTP routes; no value may come from a client.
"""

from __future__ import annotations

import functools
import inspect
import time
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Iterator, List, Optional

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, generate_latest

#: Seconds; from a fifth of a millisecond to what nobody waits for.
_FINE: Final = (0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

STAGE_SECONDS = Histogram(
    "assistant_stage_seconds", "Time of a message in one stage, without the stages inside it", ["stage"], buckets=_FINE
)
REQUEST_SECONDS = Histogram(
    "assistant_request_seconds", "Time until a request was answered", ["route"], buckets=(*_FINE, 10, 30)
)
REQUESTS = Counter("assistant_requests", "Requests answered", ["route", "status"])
IN_FLIGHT = Gauge("assistant_turns_in_flight", "Messages that are being answered now")

# the time that stages inside the current one have taken
_inner: ContextVar[Optional[List[float]]] = ContextVar("inner_stages", default=None)


@contextmanager
def stage(name: str) -> Iterator[None]:
    """Time what happens inside as the stage `name` of a message."""
    outer = _inner.get()
    mine = [0.0]
    token = _inner.set(mine)
    started = time.perf_counter()
    try:
        yield
    finally:
        took = time.perf_counter() - started
        _inner.reset(token)
        if outer is not None:
            outer[0] += took
        STAGE_SECONDS.labels(name).observe(took - mine[0])


def time_calls(owner: Any, method: str, name: str) -> None:
    """Time every call of a method that other people's code calls, as the stage `name`.

    Doing it twice changes nothing.
    """
    work = getattr(owner, method)
    if getattr(work, "timed_as_stage", False):
        return

    @functools.wraps(work)
    def timed(*arguments: Any, **named: Any) -> Any:
        with stage(name):
            return work(*arguments, **named)

    @functools.wraps(work)
    async def timed_later(*arguments: Any, **named: Any) -> Any:
        with stage(name):
            return await work(*arguments, **named)

    wrapper: Any = timed_later if inspect.iscoroutinefunction(work) else timed
    wrapper.timed_as_stage = True
    setattr(owner, method, wrapper)


async def listen(port: int) -> web.AppRunner:
    """Answer GET /metrics on 127.0.0.1, from the running event loop: an answer shows that the loop runs too.

    Returns:
        Its runner, whose `cleanup` ends it.
    """

    async def metrics(_request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    # not Sanic: that cannot serve a second application in a process
    app = web.Application()
    app.router.add_get("/metrics", metrics)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    return runner
