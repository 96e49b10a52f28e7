"""Calling the action server without what Rasa repeats at every call.

Stock Rasa opens a new HTTP session for each call, and checks its own constant
schema of the response against the meta-schema each time, which alone costs ten
times the call itself (docs/decisions/0007-time-of-a-message.md). Here the session is
kept and the schema is compiled once; what is sent and what is refused stay the
same. This module must not know actions, messages or texts.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator, Dict, Optional

import aiohttp
import fastjsonschema
from rasa.core.actions.action import RemoteAction
from rasa.core.constants import DEFAULT_REQUEST_TIMEOUT
from rasa.utils.endpoints import EndpointConfig

from bot import logs

#: Seconds an unused connection is kept; shorter than the action server keeps it, so that a
#: call never goes out on a connection that the other side is closing.
IDLE_SECONDS = 15
#: Calls to the action server at a time; further ones wait for a free connection.
CONNECTIONS = 32


#: Whoever asks how the assistant is does not wait longer for the action server.
_CHECK = aiohttp.ClientTimeout(total=2)


class ActionServer(EndpointConfig):
    """An action server in another process, with connections that stay open between calls.

    Args:
        server: where it listens, `http://127.0.0.1:5055`.
    """

    def __init__(self, server: str, **kwargs: Any) -> None:
        super().__init__(f"{server}/webhook", **kwargs)
        self._server = server
        self._session: Optional[aiohttp.ClientSession] = None
        self._loop: Optional[asyncio.AbstractEventLoop] = None

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """The session of the running event loop; it outlives the call."""
        loop = asyncio.get_running_loop()
        if self._session is None or self._session.closed or self._loop is not loop:
            self._loop = loop
            self._session = aiohttp.ClientSession(
                headers=self.headers,
                connector=aiohttp.TCPConnector(limit=CONNECTIONS, keepalive_timeout=IDLE_SECONDS),
                timeout=aiohttp.ClientTimeout(total=DEFAULT_REQUEST_TIMEOUT),
            )
        yield self._session

    async def request(self, *arguments: Any, **named: Any) -> Any:
        """As Rasa's own, with the id of the client's request, so that both processes' log lines can be put together."""
        named["headers"] = {**named.get("headers", {}), logs.HEADER: logs.request_id()}
        return await super().request(*arguments, **named)

    async def state(self) -> str:
        """`ok`, or what is wrong with the action server."""
        try:
            address = f"{self._server}/health"
            async with self.session() as session, session.get(address, timeout=_CHECK) as response:
                return "ok" if response.status == 200 else "failing"
        except (aiohttp.ClientError, asyncio.TimeoutError):
            return "not reachable"

    async def close(self) -> None:
        """Close the connections, at the end of the process."""
        if self._session is not None:
            await self._session.close()


def check_responses_with_a_compiled_schema() -> None:
    """Let Rasa's remote actions use one validator for the life of the process."""
    check = fastjsonschema.compile(RemoteAction.action_response_format_spec(), use_default=False)

    def validate(_action: RemoteAction, result: Dict[str, Any]) -> bool:
        check(result)
        return True

    RemoteAction._validate_action_result = validate
