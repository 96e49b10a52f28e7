"""Errors as RFC 9457 `application/problem+json`, each a sentence to act on.

A problem never carries a client's words.
"""

from __future__ import annotations

import json
import logging
from typing import Any, Dict, Optional

from rasa.core.lock_store import LockError
from redis.exceptions import RedisError
from sanic import Sanic
from sanic.exceptions import SanicException
from sanic.request import Request
from sanic.response import HTTPResponse

from bot.dialogue.failure import describe
from bot.store.database import StoreError

logger = logging.getLogger(__name__)

TITLES = {
    400: "Malformed request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    408: "Request too slow",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported media type",
    422: "Invalid",
    429: "Too many requests",
    500: "Something went wrong here",
    503: "Not available right now",
}

SENTENCES = {
    400: "The request could not be read. Send valid HTTP with a JSON body.",
    404: "There is nothing at this address. /openapi.json lists what there is.",
    405: "This address does not take this method. /openapi.json lists what it takes.",
    408: "The request did not arrive in time. Please send it again.",
    413: "The request is too large. A body may have up to 64 KB.",
    500: "Something went wrong on our side. Please try again in a moment.",
    503: "The assistant is not available right now. Please try again in a moment.",
}


class Problem(Exception):
    """A refusal: an HTTP status, a sentence, and fields that help to correct it."""

    def __init__(
        self,
        status: int,
        detail: str,
        headers: Optional[Dict[str, str]] = None,
        **fields: Any,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.headers = headers or {}
        self.fields = fields

    def response(self) -> HTTPResponse:
        """The problem as an HTTP response."""
        body = {
            "type": "about:blank",
            "title": TITLES[self.status],
            "status": self.status,
            "detail": self.detail,
            **self.fields,
        }
        headers = dict(self.headers)
        if self.status == 401:
            headers.setdefault("WWW-Authenticate", "Bearer")
        return HTTPResponse(
            json.dumps(body, ensure_ascii=False),
            status=self.status,
            headers=headers,
            content_type="application/problem+json",
        )


def invalid(field: str, detail: str) -> Problem:
    """A value that cannot be taken: which field, and what is allowed."""
    return Problem(422, detail, errors=[{"field": field, "detail": detail}])


def answer_with_problems(app: Sanic) -> None:
    """Make every error of `app` a problem document."""

    @app.exception(Exception)
    async def _problem(request: Request, error: Exception) -> HTTPResponse:
        return as_problem(error).response()


def as_problem(error: Exception) -> Problem:
    """The problem that tells `error` to whoever asked."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, SanicException):
        status = error.status_code if error.status_code in TITLES else 400
        # 405 must say what is allowed (RFC 9110)
        allowed = {name: value for name, value in getattr(error, "headers", {}).items() if name == "Allow"}
        return Problem(status, SENTENCES.get(status, SENTENCES[400]), headers=allowed)
    if isinstance(error, StoreError):
        logger.error("%s", error)
        return Problem(
            503,
            "The assistant cannot reach its records right now. Please try again in a minute.",
            headers={"Retry-After": "60"},
        )
    if isinstance(error, (LockError, RedisError)):
        # nothing was written yet: the lock comes first
        logger.error("the lock store failed: %s", type(error).__name__)
        return Problem(503, SENTENCES[503], headers={"Retry-After": "5"})
    logger.error("unexpected %s", describe(error))
    return Problem(500, SENTENCES[500])
