"""Runs every case of the YAML files beside it through reader and decision.

A case has ``name``, ``outcome`` and any of: ``answers`` (linkId to value, on top of "no" to
everything), ``follow_ups``, ``text``, ``only`` (true: no answers but the given ones),
``rules`` (ids that must have fired), ``unanswered``.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from bot.screening.decision import TEXT_ANSWER, decide
from bot.screening.reader import Reader
from bot.screening.rulebook import LINK_IDS, Rulebook

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
KEYS = {"name", "outcome", "answers", "follow_ups", "text", "only", "rules", "unanswered", "notes"}


def _cases() -> list[Any]:
    out = []
    for path in sorted(Path(__file__).parent.glob("*.yml")):
        for case in YAML(typ="safe").load(path.read_text(encoding="utf-8")):
            out.append(pytest.param(case, id=f"{path.stem}: {case['name']}"))
    return out


@pytest.mark.parametrize("case", _cases())
def test_a_case_ends_in_its_outcome(case: dict[str, Any], reader: Reader, rulebook: Rulebook) -> None:
    assert set(case) <= KEYS, f"unknown keys {set(case) - KEYS}; known are {sorted(KEYS)}"
    answers = {} if case.get("only") else dict.fromkeys(LINK_IDS, "no")
    answers.update(case.get("answers", {}))
    findings = ()
    if "text" in case:
        answers["other"] = TEXT_ANSWER
        findings = reader.read(case["text"], NOW.date()).findings
    decision = decide(rulebook, answers, case.get("follow_ups", {}), findings, NOW)
    assert decision.outcome == case["outcome"], [f for f in decision.findings if f.origin == "text"]
    assert set(case.get("rules", [])) <= set(decision.rules_fired)
    if "unanswered" in case:
        assert list(decision.unanswered) == case["unanswered"]
    if "notes" in case:
        assert len(decision.notes) == case["notes"]
