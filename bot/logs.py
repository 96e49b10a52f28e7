"""How log lines look: for people on a terminal, JSON everywhere else, one request id through all processes.

A line never carries a client's words at a level above DEBUG. Our own lines are written that way;
of an exception that somebody else's code logs only the type and the place are kept, because its text may
quote what it failed on.
"""

from __future__ import annotations

import logging
import re
import secrets
import sys
from typing import Any, Final, List

import structlog
from structlog.typing import EventDict, WrappedLogger

from bot.dialogue.failure import describe

#: Carries the id of a request from the Rasa server to the action server, and back to the client.
HEADER: Final = "X-Request-Id"
_ID: Final = re.compile(r"[0-9a-f]{16}")
#: Rasa, its SDK and old libraries write what clients say at their lower levels.
_QUIET: Final = ("rasa", "rasa_sdk", "sanic.access", "sanic.root", "alembic", "httpx", "matplotlib")


def configure(level: str) -> None:
    """Send everything that this process logs to standard error, at `level` or above."""
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_shared(words=level == "DEBUG"),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter(interactive=sys.stderr.isatty(), words=level == "DEBUG"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    # old libraries warn of their own future at every start
    logging.captureWarnings(True)
    logging.getLogger("py.warnings").setLevel(logging.ERROR)
    for name in _QUIET:
        logging.getLogger(name).setLevel(_quiet_level(level))


def formatter(interactive: bool, words: bool) -> logging.Formatter:
    """The form of a line.

    Args:
        interactive: for a person's terminal; JSON otherwise.
        words: exceptions whole, with whatever their text quotes.
    """
    renderer: Any = structlog.dev.ConsoleRenderer() if interactive else structlog.processors.JSONRenderer()
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=_shared(words),
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _shared(words: bool) -> List[Any]:
    """What every line goes through, whoever wrote it."""
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info if words else _without_words,
    ]


def begin_request(given: str = "") -> str:
    """Give every line of the current request an id, the one of the request that led to it where there is one."""
    # a client's header is not taken as it is: it would be written into every line
    request_id = given if _ID.fullmatch(given) else secrets.token_hex(8)
    structlog.contextvars.bind_contextvars(request_id=request_id)
    return request_id


def request_id() -> str:
    """The id of the current request; empty outside of one."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))


def _without_words(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()
    if isinstance(error, tuple):
        error = error[1]
    if isinstance(error, BaseException):
        event["exception"] = describe(error)
    return event


def _quiet_level(level: str) -> int:
    return logging.DEBUG if level == "DEBUG" else max(logging.WARNING, logging.getLevelName(level))
