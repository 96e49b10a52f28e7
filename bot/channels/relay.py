"""Waking the watchers of other servers too: the hints of `Live`, carried by Redis.

A hint that is lost costs a few seconds, because every watcher looks by itself; so nothing is
repeated here and nobody waits for Redis. This module must not know what the topics mean.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from queue import Empty, Full, Queue
from typing import Final, Iterable, List

from redis import Redis
from redis.exceptions import RedisError

from bot.channels.live import Live

logger = logging.getLogger(__name__)

CHANNEL: Final = "assistant:live"
AGAIN_SECONDS: Final = 1.0
TIMEOUT_SECONDS: Final = 2.0
#: Hints that wait to be sent while Redis is away; more are dropped.
MOST_WAITING: Final = 1000


class RelayedLive(Live):
    """Wakes watchers of this process and, through Redis, of all others.

    Args:
        url: of Redis.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis = Redis.from_url(
            url, socket_connect_timeout=TIMEOUT_SECONDS, socket_timeout=TIMEOUT_SECONDS, health_check_interval=10
        )
        self._me = secrets.token_hex(8)
        self._sending: Queue[List[str]] = Queue(MOST_WAITING)
        self._ended = threading.Event()
        #: Set while the hints of others arrive.
        self.listening = threading.Event()
        for work in (self._send, self._listen):
            threading.Thread(target=work, daemon=True, name=f"live-{work.__name__}").start()

    def changed_all(self, topics: Iterable[str]) -> None:
        """Wake here at once, and elsewhere as soon as Redis has told them."""
        listed = list(topics)
        super().changed_all(listed)
        if listed and not self._ended.is_set():
            try:
                self._sending.put_nowait(listed)
            except Full:
                # Redis has been away for long; the others look by themselves
                return

    def close(self) -> None:
        """End every watch, and the two threads."""
        self._ended.set()
        super().close()

    def _send(self) -> None:
        while not self._ended.is_set():
            try:
                topics = self._sending.get(timeout=AGAIN_SECONDS)
            except Empty:
                continue
            try:
                self._redis.publish(CHANNEL, json.dumps([self._me, topics]))
            except RedisError as error:
                logger.debug("a hint was not sent (%s)", type(error).__name__)

    def _listen(self) -> None:
        while not self._ended.is_set():
            try:
                with self._redis.pubsub(ignore_subscribe_messages=True) as heard:
                    heard.subscribe(CHANNEL)
                    # what happened while nobody listened is not known: everyone looks
                    self._wake_all()
                    self.listening.set()
                    while not self._ended.is_set():
                        message = heard.get_message(timeout=AGAIN_SECONDS)
                        if message is not None:
                            sender, topics = json.loads(message["data"])
                            if sender != self._me:
                                super().changed_all(topics)
            except RedisError as error:
                if self.listening.is_set():
                    logger.warning(
                        "Redis is away (%s); changes on other servers are seen a few seconds later.",
                        type(error).__name__,
                    )
                self.listening.clear()
                self._ended.wait(AGAIN_SECONDS)

    def _wake_all(self) -> None:
        with self._lock:
            topics = list(self._waiters)
        super().changed_all(topics)
