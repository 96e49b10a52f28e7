"""Sets are read whole or refused with file and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable

import pytest

from bot.evaluation import EvaluationError
from bot.evaluation.rows import SETS, Expectation, load_rows, sample

HELD_OUT = Path(__file__).parents[2] / "eval"
SAUNA = {"text": "sauna ok?", "expect": {"kind": "answer", "passages": ["after_heat"]}}


def test_the_projects_own_sets_are_all_usable() -> None:
    rows = load_rows(HELD_OUT)
    assert {row.set for row in rows} <= set(SETS)
    assert len(rows) >= 600


def test_a_row_keeps_what_was_written_and_what_is_expected(write: Callable[..., Path]) -> None:
    (row,) = load_rows(write("single", SAUNA))
    assert (row.id, row.turns, row.hard) == ("single-001", ("sauna ok?",), False)
    assert row.expected == (Expectation("answer", ("after_heat",)),)
    assert row.label == "answer after_heat"


def test_an_unlisted_condition_expects_no_passage(write: Callable[..., Path]) -> None:
    (row,) = load_rows(write("condition", {"text": "lupus", "expect": {"kind": "condition", "list": "unlisted"}}))
    assert row.expected == (Expectation("condition", (), "unlisted"),)


@pytest.mark.parametrize(
    ("name", "row", "problem"),
    [
        ("single", {**SAUNA, "text": ""}, "'text' is \"\"; it must be text of 1 to 2,000 characters"),
        ("single", {**SAUNA, "text": "x" * 2001}, "'text' has 2,001 characters; allowed are 2,000"),
        ("single", {**SAUNA, "hard": "no"}, "'hard' is \"no\"; it must be true or false"),
        ("single", {**SAUNA, "note": "x"}, "the field 'note' is not known"),
        ("single", {"text": "sauna ok?"}, "'expect' is missing"),
        ("single", {**SAUNA, "id": "compound-001"}, "the id 'compound-001' must be 'single-<number>'"),
        ("single", {"text": "a", "expect": {"kind": "smalltalk"}}, "expect: 'kind' is 'smalltalk'; allowed: answer"),
        ("single", {"text": "a", "expect": {"kind": "answer", "passages": []}}, "expect: 'passages' is empty"),
        (
            "single",
            {"text": "a", "expect": {"kind": "answer", "passages": ["after_bath"]}},
            "expect: 'after_bath' in 'passages' is no passage; known: what_is_iastm",
        ),
        (
            "emergency",
            {"text": "a", "expect": {"kind": "emergency", "category": "toothache"}},
            "expect: 'category' is 'toothache'; allowed: chest_pain",
        ),
        ("compound", {"text": "a", "parts": []}, "'parts' has 0 of the 2 or more objects that it needs"),
        (
            "compound",
            {"text": "a", "parts": [{"kind": "condition", "list": "modified", "passages": []}] * 2},
            "parts 2: 'passages' must be ['modified'] for condition modified",
        ),
        (
            "follow_up",
            {"turns": ["a"], "expect": {"kind": "answer", "passages": ["pain"]}},
            "'turns' must be two or more",
        ),
        ("harmless", {"text": "a", "expect": {"not": "answer"}}, "expect: 'not' is 'answer'; allowed: emergency"),
        ("screening", {"text": "a", "expect": "block", "about": "b"}, "'expect' is 'block'; allowed: flag, harmless"),
    ],
)
def test_a_faulty_row_is_refused_with_its_place_and_what_is_allowed(
    write: Callable[..., Path], name: str, row: dict[str, Any], problem: str
) -> None:
    with pytest.raises(EvaluationError) as refused:
        load_rows(write(name, row))
    assert f"{name}.jsonl:1: " in str(refused.value)
    assert problem in str(refused.value)


def test_every_fault_is_listed_at_once(write: Callable[..., Path]) -> None:
    write("single", {**SAUNA, "text": ""}, SAUNA, {**SAUNA, "hard": 1})
    with pytest.raises(EvaluationError) as refused:
        load_rows(write("greetings", SAUNA))
    lines = str(refused.value).splitlines()
    assert [line.split(": ")[0] for line in lines] == ["greetings.jsonl:1", "single.jsonl:1", "single.jsonl:3"]


def test_an_id_used_twice_is_refused(write: Callable[..., Path]) -> None:
    with pytest.raises(EvaluationError, match=r"single\.jsonl:2: the id 'single-001' is that of single\.jsonl:1"):
        load_rows(write("single", SAUNA, {**SAUNA, "id": "single-001"}))


def test_a_line_that_is_no_json_is_refused(write: Callable[..., Path]) -> None:
    folder = write("single", SAUNA)
    with (folder / "single.jsonl").open("a", encoding="utf-8") as file:
        file.write("{oops\n")
    with pytest.raises(EvaluationError, match=r"single\.jsonl:2: this is no JSON"):
        load_rows(folder)


def test_a_folder_without_sets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match=r"has no file that ends in \.jsonl"):
        load_rows(tmp_path)


def test_a_sample_is_spread_over_the_whole_file(write: Callable[..., Path]) -> None:
    rows = load_rows(write("single", *[SAUNA] * 10))
    assert [row.id for row in sample(rows, 3)] == ["single-001", "single-004", "single-007"]
    assert sample(rows, None) == rows
    assert sample(rows, 99) == rows
