"""Who may read a check: a booking site's key, or the token of whoever made it. Pure."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone

import jwt

ALGORITHM = "HS256"
AUDIENCE = "check"


class ApiKeys:
    """The keys of the booking sites. They are kept as digests and never shown."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._digests = tuple(_digest(key) for key in keys)

    def name(self, key: str) -> str | None:
        """A short name that stands for ``key`` in counters; None for a key that is not ours."""
        given = _digest(key)
        # every key is compared, so that the time taken tells nothing
        matches = [hmac.compare_digest(given, known) for known in self._digests]
        return given.hex()[:16] if any(matches) else None


class CheckTokens:
    """Tokens that speak for one check: made by the server, signed, not guessable.

    Args:
        key: the installation's key for them.
        days: how long a token is accepted.
    """

    def __init__(self, key: str, days: int) -> None:
        self._key = key
        self._life = timedelta(days=days)

    def issue(self, check_id: str, now: datetime | None = None) -> str:
        """A token for whoever made the check."""
        issued = now or datetime.now(timezone.utc)
        claims = {"sub": check_id, "aud": AUDIENCE, "iat": issued, "exp": issued + self._life}
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def check(self, token: str) -> str | None:
        """The check that the token speaks for; None when it is expired or not ours."""
        try:
            claims = jwt.decode(
                token,
                self._key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                options={"require": ["exp", "sub", "aud"]},
            )
        except jwt.InvalidTokenError:
            return None
        return str(claims["sub"])

    def anonymous(self, address: str) -> str:
        """A name for a caller without key, from which the address cannot be read back."""
        return hmac.new(self._key.encode(), address.encode(), hashlib.sha256).hexdigest()[:32]


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
