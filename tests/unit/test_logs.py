"""Log lines: one form, one id for a request, and no word of a client."""

from __future__ import annotations

import io
import json
import logging
from typing import Any, Dict, Iterator, List

import pytest
import structlog

from bot import logs

WORDS = "my left knee is blue"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """What is logged through `test_logs`, in JSON."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.formatter(interactive=False, words=False))
    logger = logging.getLogger("test_logs")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    structlog.contextvars.clear_contextvars()
    yield written
    logger.removeHandler(handler)
    structlog.contextvars.clear_contextvars()


def read(lines: io.StringIO) -> List[Dict[str, Any]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_a_line_is_json_with_the_id_of_its_request(lines: io.StringIO) -> None:
    begun = logs.begin_request()
    logging.getLogger("test_logs").info("%d rows", 3)
    (line,) = read(lines)
    assert (line["event"], line["level"], line["logger"], line["request_id"]) == ("3 rows", "info", "test_logs", begun)


def test_the_second_process_goes_on_with_the_id_of_the_first() -> None:
    begun = logs.begin_request()
    structlog.contextvars.clear_contextvars()
    assert logs.begin_request(begun) == begun == logs.request_id()


@pytest.mark.parametrize("given", ["", "x" * 16, "0" * 15, "0" * 17, 'a\n{"event":"forged"}'])
def test_an_id_that_is_not_ours_is_replaced(given: str) -> None:
    assert logs.begin_request(given) != given


def test_an_exception_that_quotes_a_client_is_logged_by_type_and_place_only(lines: io.StringIO) -> None:
    try:
        raise ValueError(f"cannot read {WORDS!r}")
    except ValueError:
        logging.getLogger("test_logs").exception("a library failed")
    (line,) = read(lines)
    assert line["exception"].startswith("ValueError at ")
    assert WORDS not in lines.getvalue()


def test_at_debug_level_an_exception_is_whole() -> None:
    made = logging.LogRecord("other", logging.ERROR, __file__, 1, "failed", (), None)
    try:
        raise ValueError(WORDS)
    except ValueError as error:
        made.exc_info = (ValueError, error, error.__traceback__)
    assert WORDS in logs.formatter(interactive=False, words=True).format(made)
