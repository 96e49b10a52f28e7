"""The agreed floors: what the assistant must reach on messages that trained nothing.

The readers, rules and texts are those in service; only Rasa and HTTP are left out, so that
every change is measured in a minute. `make eval` measures the running whole.
"""

from __future__ import annotations

from pathlib import Path

from bot.evaluation.floors import NAME, check_floors, load_floors
from bot.evaluation.inside import InsideAssistant
from bot.evaluation.rows import load_rows
from bot.evaluation.running import FOLDERS, measure


def test_every_floor_holds_on_the_held_out_messages(tmp_path: Path) -> None:
    sets = FOLDERS["eval"]
    results = measure(InsideAssistant(tmp_path), load_rows(sets))
    assert check_floors(results, load_floors(sets / NAME)) == []
