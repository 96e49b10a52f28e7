"""The therapist's password and log-ins.

A password is kept as argon2 leaves it, a cookie as its digest. A log-in makes
a new session whatever the browser had before; it ends when it was not used for
a while, when it is old, at log-out, and with a new password.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Callable, Optional

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import delete, or_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from bot.desk.errors import LoginRefused
from bot.desk.throttle import Throttle
from bot.store.database import Database
from bot.store.models import DeskAccount, DeskSession, utcnow
from bot.store.secrets import shared_secret

THERAPIST = "therapist"
# a working day, and a treatment with its break in between
LONGEST = timedelta(hours=12)
IDLE = timedelta(hours=2)
# a session that is in use is written to this often, not at every page
NOTED = timedelta(minutes=1)
# longer ones cost time to hash and are no safer
LONGEST_PASSWORD = 200
# without 0, 1, l and o, which are mistaken for each other; 16 of them hold 80 bits
LETTERS = "23456789abcdefghijkmnpqrstuvwxyz"

DEVICE_AUDIENCE = "desk-device"
DEVICE_LIFE = timedelta(days=365)
ALGORITHM = "HS256"


@dataclass(frozen=True)
class LoggedIn:
    """A log-in that is in force.

    Attributes:
        csrf: what every form of this browser must carry.
    """

    csrf: str


@dataclass(frozen=True)
class Admission:
    """What a browser gets when it logs in: two cookies.

    Attributes:
        session: opens the desk.
        device: tells that this browser has logged in before; opens nothing.
    """

    session: str
    device: str


class Account:
    """The one account of the desk. Safe to share between threads.

    Args:
        clock: the time, UTC without a zone.
        hasher: argon2 with its cost; RFC 9106's second choice (64 MiB) unless a test says otherwise.
    """

    def __init__(
        self,
        database: Database,
        clock: Callable[[], datetime] = utcnow,
        hasher: Optional[PasswordHasher] = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._hasher = hasher or PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
        self._throttle = Throttle(database, lambda: clock().replace(tzinfo=timezone.utc).timestamp())
        self._device_key = shared_secret(database, "desk_devices")

    def first_password(self) -> Optional[str]:
        """Make a password where there is none yet; returns it, for the only time, or None."""
        with self._database.reading() as session:
            if session.get(DeskAccount, THERAPIST) is not None:
                return None
        password = new_password()
        kept = self._hasher.hash(password)
        with self._database.transaction() as session:
            try:
                with session.begin_nested():
                    session.add(DeskAccount(name=THERAPIST, password_hash=kept, changed_at=self._clock()))
            except IntegrityError:
                # another server, started at the same moment, has made one and told it
                return None
        return password

    def use_password(self, password: str) -> None:
        """Make `password` the one in force; a new one ends every session, the same one changes nothing."""
        with self._database.reading() as session:
            account = session.get(DeskAccount, THERAPIST)
        if account is not None and self._matches(account, password):
            return
        kept = self._hasher.hash(password)
        with self._database.transaction() as session:
            session.merge(DeskAccount(name=THERAPIST, password_hash=kept, changed_at=self._clock()))
            session.execute(delete(DeskSession))

    def log_in(self, password: str, address: str, device: Optional[str], session_token: Optional[str]) -> Admission:
        """Begin a session.

        Args:
            address: where the request comes from.
            device: the browser's device cookie, if it has one.
            session_token: the session the browser had, which ends.

        Raises:
            LoginRefused: the password is wrong, there is none yet, or too many were wrong.
        """
        known = self._device(device)
        who = f"device:{known}" if known else f"address:{address}"
        self._throttle.attempt(who, known=known is not None)
        with self._database.reading() as session:
            account = session.get(DeskAccount, THERAPIST)
        if account is None:
            raise LoginRefused("No password was made yet. Run `python -m bot password` where the assistant runs.")
        if len(password) > LONGEST_PASSWORD or not self._matches(account, password):
            raise LoginRefused("This is not the password. Please try again.")
        self._throttle.succeeded(who)
        token = secrets.token_urlsafe(32)
        now = self._clock()
        with self._database.transaction() as session:
            _forget(session, session_token)
            session.execute(delete(DeskSession).where(_ended(now)))
            session.add(DeskSession(digest=_digest(token), csrf=secrets.token_urlsafe(32), created_at=now, seen_at=now))
        return Admission(token, self._new_device(known))

    def session(self, token: Optional[str], in_use: bool = True) -> Optional[LoggedIn]:
        """The log-in that a cookie stands for, or None.

        Args:
            in_use: whether a person is behind the request; a page that refreshes itself does not keep a session alive.
        """
        if not token:
            return None
        now = self._clock()
        with self._database.reading() as session:
            row = session.get(DeskSession, _digest(token))
        if row is None or now - row.created_at >= LONGEST or now - row.seen_at >= IDLE:
            return None
        if in_use and now - row.seen_at >= NOTED:
            with self._database.transaction() as session:
                kept = session.get(DeskSession, row.digest)
                if kept is None:
                    return None
                kept.seen_at = now
        return LoggedIn(row.csrf)

    def log_out(self, token: Optional[str]) -> None:
        """End a session."""
        with self._database.transaction() as session:
            _forget(session, token)

    def _matches(self, account: DeskAccount, password: str) -> bool:
        try:
            return self._hasher.verify(account.password_hash, password)
        except VerifyMismatchError:
            return False

    def _device(self, token: Optional[str]) -> Optional[str]:
        if not token:
            return None
        try:
            claims = jwt.decode(
                token,
                self._device_key,
                algorithms=[ALGORITHM],
                audience=DEVICE_AUDIENCE,
                options={"require": ["exp", "sub", "aud"]},
            )
        except jwt.InvalidTokenError:
            return None
        return str(claims["sub"])

    def _new_device(self, known: Optional[str]) -> str:
        claims = {
            "sub": known or secrets.token_urlsafe(12),
            "aud": DEVICE_AUDIENCE,
            "exp": datetime.now(timezone.utc) + DEVICE_LIFE,
        }
        return jwt.encode(claims, self._device_key, algorithm=ALGORITHM)


def new_password() -> str:
    """A password that can be read out and typed: four groups of four, 80 random bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


def same(told: str, expected: str) -> bool:
    """Whether two secrets are the same, in constant time."""
    return hmac.compare_digest(told.encode(), expected.encode())


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _forget(session: Session, token: Optional[str]) -> None:
    if token:
        session.execute(delete(DeskSession).where(DeskSession.digest == _digest(token)))


def _ended(now: datetime) -> object:
    return or_(DeskSession.created_at <= now - LONGEST, DeskSession.seen_at <= now - IDLE)
