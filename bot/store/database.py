"""Opening the database, running migrations, and transactions.

SQLite runs in write-ahead mode with a full sync at every commit: what was
confirmed to a client survives a crash and a power cut. Errors of the driver
become a `StoreError` whose sentence says what to do.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable, ClassVar, Dict, FrozenSet, Iterator, Mapping, Sequence, Tuple

import sqlalchemy
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import QueuePool

MIGRATIONS = Path(__file__).parent / "migrations"
BUSY_SECONDS = 10
TOUCHED = "touched"
#: Connections to a database server that a process keeps, and so many more at a rush.
POOL = 8
#: Any number, the same in every version.
MIGRATION_LOCK = 5_005_001

logger = logging.getLogger(__name__)


class StoreError(Exception):
    """The database cannot do what was asked; the text says why and what to do."""


def upsert(session: Session, model: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows; those whose primary key is there already take the new values.

    One statement, where asking first costs two. SQLite and PostgreSQL speak the same words for it.
    """
    if rows:
        connection = session.connection()
        connection.execute(_upserting(connection.dialect.name, model.__table__, tuple(rows[0])), list(rows))


@lru_cache(maxsize=64)
def _upserting(dialect: str, table: Any, columns: Tuple[str, ...]) -> Any:
    """The statement for rows of these columns."""
    statement = {"sqlite": sqlite, "postgresql": postgresql}[dialect].insert(table)
    changed = {c.name: statement.excluded[c.name] for c in table.columns if not c.primary_key and c.name in columns}
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changed)


class Database:
    """One database, shared by the threads of a process."""

    _open: ClassVar[Dict[str, Database]] = {}

    @classmethod
    def shared(cls, url: str) -> Database:
        """The process's own for this address: its connections, and whoever hears of its commits, are the same for all."""
        if url not in cls._open:
            cls._open[url] = cls(url)
        return cls._open[url]

    def __init__(self, url: str) -> None:
        self._url = make_url(url)
        self.engine = _engine(self._url)
        # made once: every transaction needs one of them
        self._durable = self.engine.execution_options(durable=True)
        self._quick = self.engine.execution_options(durable=False)
        self._reading = self.engine.execution_options(reading=True)
        #: Called after a commit with what `touch` was told, from the thread that committed.
        self.on_commit: Callable[[FrozenSet[str]], None] = lambda topics: None

    @property
    def name(self) -> str:
        """The address without its password, for people."""
        return repr(self._url)

    def migrate(self) -> None:
        """Bring the tables to this version of the product.

        Raises:
            StoreError: the database is missing, read-only or newer than the product.
        """
        if self._url.get_backend_name() == "sqlite" and self._url.database:
            try:
                Path(self._url.database).parent.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise StoreError(
                    f"The folder of the database {self._url.database} cannot be made "
                    f"({error.strerror}). Set VAR_DIR to a folder that can be written."
                ) from error
        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
        try:
            with self.engine.begin() as connection:
                if self._url.get_backend_name() == "postgresql":
                    # servers that start together wait here for the first one to have done it
                    connection.execute(sqlalchemy.text(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"))
                current = MigrationContext.configure(connection).get_current_revision()
                if current is not None and current not in known:
                    raise StoreError(
                        f"The database {self.name} was made by a newer version of the assistant "
                        f"(revision {current}). Install that version, or restore an older backup."
                    )
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
        except SQLAlchemyError as error:
            raise self._explained(error) from error

    def check(self) -> None:
        """Ask the database for one row and one table.

        Raises:
            StoreError: it does not answer.
        """
        with self.reading() as session:
            session.execute(sqlalchemy.text("SELECT 1 FROM conversations LIMIT 1"))

    def scrub(self) -> None:
        """Take what was deleted out of the write-ahead log too, as far as nobody is in the way.

        What could not be done now is done by the next one; the daily purge ends with it.
        """
        if self._url.get_backend_name() != "sqlite":
            return
        try:
            connection = self.engine.raw_connection()
            try:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            finally:
                connection.close()
        except (sqlite3.Error, DBAPIError) as error:
            reason = getattr(error, "orig", error)
            logger.warning("The write-ahead log of %s keeps what was deleted until the next day: %s", self.name, reason)

    @contextmanager
    def transaction(self, durable: bool = True) -> Iterator[Session]:
        """A unit of work: committed at the end, rolled back on any error.

        Args:
            durable: False where a later durable transaction is what confirms: this one then survives the end of
                the process, but a power cut only once the later one is committed. It saves waiting for the disk.

        Raises:
            StoreError: the database refused.
        """
        with self._session(self._durable if durable else self._quick) as session:
            yield session

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A transaction that only reads; it waits for no writer.

        Raises:
            StoreError: the database refused.
        """
        with self._session(self._reading) as session:
            yield session

    @contextmanager
    def _session(self, engine: Engine) -> Iterator[Session]:
        session = Session(engine, future=True, expire_on_commit=False)
        try:
            with session, session.begin():
                yield session
        except DBAPIError as error:
            raise self._explained(error) from error
        if TOUCHED in session.info:
            self.on_commit(frozenset(session.info[TOUCHED]))

    def _explained(self, error: SQLAlchemyError) -> StoreError:
        # the driver's text never holds bound values; SQLAlchemy's own would
        reason = str(getattr(error, "orig", "")).splitlines()[:1] or [type(error).__name__]
        advice = "Check that the database server runs and that DATABASE_URL is right"
        if self._url.get_backend_name() == "sqlite":
            advice = "Check that the folder exists, can be written and has space left, or set VAR_DIR to one that does"
        return StoreError(f"The database {self.name} refused: {reason[0]}. {advice}.")


def touch(session: Session, *topics: str) -> None:
    """Say what this transaction changes, for whoever is waiting for it (`Database.on_commit`)."""
    session.info.setdefault(TOUCHED, set()).update(topics)


def _engine(url: Any) -> Engine:
    if url.get_backend_name() != "sqlite":
        return _server_engine(url)
    engine = sqlalchemy.create_engine(
        url,
        future=True,
        # opening and closing a file at every transaction costs more than the transaction
        poolclass=QueuePool,
        connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: Any) -> None:
        # the driver's own transaction handling begins too late for reads that lead to writes
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        # what is deleted is about health: its bytes go too
        cursor.execute("PRAGMA secure_delete = ON")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        # in WAL a full sync writes out everything committed before it too
        durable = connection.get_execution_options().get("durable", True)
        if connection.info.get("durable") != durable:
            connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.info["durable"] = durable
        # one writer at a time, decided at the start: no deadlock between read and write
        reading = connection.get_execution_options().get("reading", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine


def _server_engine(url: Any) -> Engine:
    engine = sqlalchemy.create_engine(
        url, future=True, pool_pre_ping=True, pool_size=POOL, max_overflow=POOL, connect_args=_connect_arguments(url)
    )

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        if not connection.get_execution_options().get("durable", True):
            connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")

    return engine


def _connect_arguments(url: Any) -> Mapping[str, Any]:
    # a server that is away is told to the client soon, not after minutes
    return {"connect_timeout": BUSY_SECONDS} if url.get_backend_name() == "postgresql" else {}
