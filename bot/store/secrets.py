"""Keys that all servers of one installation share, made at first use."""

from __future__ import annotations

import secrets
from typing import Callable

from bot.store.database import Database
from bot.store.models import Secret


def random_key() -> str:
    """256 random bits as text."""
    return secrets.token_urlsafe(32)


def shared_secret(database: Database, name: str, make: Callable[[], str] = random_key) -> str:
    """The key called `name`, the same for every server; made by `make` where there is none."""
    with database.reading() as session:
        row = session.get(Secret, name)
        if row is not None:
            return row.value
    with database.transaction() as session:
        # another server may have made it between the two transactions
        row = session.get(Secret, name, with_for_update=True)
        if row is None:
            row = Secret(name=name, value=make())
            session.add(row)
        return row.value
