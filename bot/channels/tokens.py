"""Chat tokens: signed by the server, naming a conversation nobody can guess."""

from __future__ import annotations

import secrets
import time
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any, Final, Mapping

import jwt

from bot.channels.problems import Problem

ALGORITHM = "HS256"
AUDIENCE = "chat"
_KNOWN_TOKENS: Final = 4_096


def new_conversation_id() -> str:
    """An id of 192 random bits, safe in an address."""
    return secrets.token_urlsafe(24)


class ChatTokens:
    """Issues and reads chat tokens with one key.

    Args:
        key: the installation's key.
        days: how long a token is accepted.
    """

    def __init__(self, key: str, days: int) -> None:
        self._key = key
        self._life = timedelta(days=days)
        # a client's token comes with every message, and says the same each time until it expires
        self._known = lru_cache(_KNOWN_TOKENS)(self._verified)

    def issue(self, conversation_id: str) -> str:
        """A token for one conversation."""
        now = datetime.now(timezone.utc)
        claims = {"sub": conversation_id, "aud": AUDIENCE, "iat": now, "exp": now + self._life}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def conversation(self, authorization: str) -> str:
        """The conversation that an Authorization header speaks for.

        Raises:
            Problem: 401, when the token is missing, expired or not ours.
        """
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Problem(
                401,
                "A chat token is missing. Get one from POST /chat/sessions and send it as "
                "'Authorization: Bearer <token>'.",
            )
        try:
            claims = self._known(token.strip())
            if claims["exp"] <= time.time():
                raise jwt.ExpiredSignatureError
        except jwt.ExpiredSignatureError as error:
            raise Problem(401, "This chat has expired. Start a new one with POST /chat/sessions.") from error
        except jwt.InvalidTokenError as error:
            raise Problem(401, "This chat token is not valid here. Get one from POST /chat/sessions.") from error
        return str(claims["sub"])

    def _verified(self, token: str) -> Mapping[str, Any]:
        claims: Mapping[str, Any] = jwt.decode(
            token,
            self._key,
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            options={"require": ["exp", "sub", "aud"]},
        )
        return claims
