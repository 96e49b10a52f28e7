"""Actions work in threads: what is read of one client's words must not depend on another's."""

from __future__ import annotations

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from bot.screening.reader import Reader
from tests.unit.screening.conftest import TODAY

TEXTS = Path(__file__).parents[2] / "validation" / "screening.jsonl"


def test_readings_in_eight_threads_are_those_of_one_after_the_other(reader: Reader) -> None:
    texts = [json.loads(line)["text"] for line in TEXTS.read_text(encoding="utf-8").splitlines()][:120]
    alone = [reader.read(text, TODAY) for text in texts]
    kept = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        with ThreadPoolExecutor(8) as threads:
            together = list(threads.map(lambda text: reader.read(text, TODAY), texts * 2))
    finally:
        sys.setswitchinterval(kept)
    assert together == alone * 2
