"""Telegram's Bot API over HTTP: one call a method, its refusals as exceptions.

Source: core.telegram.org/bots/api, "Making requests". This module knows the
envelope and nothing of what is sent in it. Addresses of the Bot API hold the
bot's token, so no address and no text of the HTTP library is ever logged or
put into an exception.
"""

from __future__ import annotations

import logging
from typing import Any, Dict, Optional

import httpx

TIMEOUT_SECONDS = 10.0

# both write addresses at their lower levels
for _chatty in ("httpx", "httpcore"):
    logging.getLogger(_chatty).setLevel(logging.WARNING)


class ApiError(Exception):
    """The Bot API did not do what was asked; the text never holds a token or a client's words."""


class Unauthorized(ApiError):
    """The token is not known, or was revoked (401, and 404 for one that never was)."""


class Forbidden(ApiError):
    """The client blocked the bot or is gone (403)."""


class Refused(ApiError):
    """The request cannot succeed, now or later (400 and others)."""


class Conflict(ApiError):
    """Another program reads this bot's updates, or a webhook is set (409)."""


class TooManyRequests(ApiError):
    """The Bot API asks for a pause (429).

    Attributes:
        retry_after: seconds to wait.
    """

    def __init__(self, retry_after: float) -> None:
        super().__init__(f"The Bot API asks to wait {retry_after:.0f} s (429).")
        self.retry_after = retry_after


class Unreachable(ApiError):
    """No usable answer: the network, a time limit, or an error on Telegram's side (5xx)."""


class BotApi:
    """One bot at one Bot API server.

    Args:
        token: the bot's token, `<bot id>:<secret>`.
        base: the server, `https://api.telegram.org` or a self-hosted one.
    """

    def __init__(self, token: str, base: str) -> None:
        self._client = httpx.AsyncClient(base_url=f"{base.rstrip('/')}/bot{token}/", timeout=TIMEOUT_SECONDS)

    async def call(self, method: str, wait: float = 0, **parameters: Any) -> Any:
        """Call a method and return its `result`.

        Args:
            wait: seconds that the server may take on purpose (long polling).
            parameters: those that are None are left out.

        Raises:
            ApiError: one of the classes above.
        """
        given = {name: value for name, value in parameters.items() if value is not None}
        try:
            response = await self._client.post(method, json=given, timeout=TIMEOUT_SECONDS + wait)
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise Unreachable(f"The Bot API cannot be reached ({type(error).__name__}).") from None
        return _result(method, response)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _result(method: str, response: httpx.Response) -> Any:
    answer = _envelope(response)
    if answer is not None and answer.get("ok") is True:
        return answer.get("result")
    status = response.status_code
    if answer is not None and isinstance(answer.get("error_code"), int):
        # test servers and proxies answer 200 with the error inside
        status = answer["error_code"]
    said = f"The Bot API refused {method} ({status})."
    if status in (401, 404):
        raise Unauthorized(said)
    if status == 403:
        raise Forbidden(said)
    if status == 409:
        raise Conflict(said)
    if status == 429:
        raise TooManyRequests(_retry_after(answer))
    if 400 <= status < 500:
        raise Refused(said)
    raise Unreachable(f"The Bot API gave no usable answer to {method} ({status}).")


def _envelope(response: httpx.Response) -> Optional[Dict[str, Any]]:
    try:
        answer = response.json()
    except (ValueError, RecursionError):
        return None
    return answer if isinstance(answer, dict) else None


def _retry_after(answer: Optional[Dict[str, Any]]) -> float:
    parameters = (answer or {}).get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return float(seconds) if isinstance(seconds, (int, float)) and 0 < seconds < 86_400 else 1.0
