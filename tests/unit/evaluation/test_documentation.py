"""The documentation of the evaluation tells what the program does."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.evaluation import main
from bot.evaluation.judging import MARKS
from bot.evaluation.report import QUESTIONS
from bot.evaluation.rows import SETS

PAGE = (Path(__file__).parents[3] / "docs" / "evaluation.md").read_text(encoding="utf-8")


def test_every_mark_is_documented_with_its_meaning() -> None:
    assert dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", PAGE, re.MULTILINE)) == dict(MARKS)


def test_every_option_of_the_commands_exists(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    known = capsys.readouterr().out
    assert all(option in known for option in re.findall(r"--\w+", PAGE))


def test_every_set_has_a_sentence_for_the_report() -> None:
    assert tuple(QUESTIONS) == SETS
