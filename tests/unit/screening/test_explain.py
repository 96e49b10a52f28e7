"""What `python -m bot screen` shows of a text."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from bot.screening.explain import explain
from bot.screening.reader import Reader

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("on warfarin", ("outcome   review", "anticoagulants: present, counts", '"warfarin"', "modified", "rules ")),
        ("my dad has kidney disease", ("outcome   eligible", "kidney_dysfunction: other_person, changes nothing")),
        ("nothing", ("outcome   eligible", "finding   none")),
        ("есть беременность", ("outcome   review", "readable  no")),
    ],
)
def test_outcome_findings_their_status_and_the_rules_are_shown(
    reader: Reader, text: str, shown: tuple[str, ...]
) -> None:
    told = explain(text, reader, now=NOW)
    assert [one for one in shown if one not in told] == []
