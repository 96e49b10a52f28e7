"""A slip in the rules or the vocabulary is told with its file, its line and what is allowed."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from bot.screening.errors import ScreeningFileError
from bot.screening.rulebook import LINK_IDS, RULES_FILE, Rulebook
from bot.screening.vocabulary import DIRECTORY, Vocabulary


def broken(tmp_path: Path, old: str, new: str) -> Path:
    text = RULES_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "rules.yml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("    on_yes: not_eligible", "    on_jes: not_eligible", "unknown key 'on_jes'.*allowed are"),
        ("    on_yes: not_eligible", "    on_yes: eligible", "allowed is not_eligible"),
        ("source: contraindications", "source: wikipedia", "'wikipedia'.*allowed are"),
        ("value: 30", "value: 0", "number from 1 to 365"),
        ("condition: recent stitches", "condition: ''", "must be a text"),
        (
            "  - id: recent_sutures\n    list",
            "  - id: stitches\n    list",
            "'stitches'.*allowed are recent_sutures|allowed are",
        ),
        ('version: "1.1"\nsince', 'version: "1.2"\nsince', "changelog"),
        ("  review: Thank you", "  review: " + "word " * 81 + "Thank you", "at most 80"),
        ("items:", "items: [", "not YAML|is not YAML"),
    ],
)
def test_a_slip_in_the_rules_is_told_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    with pytest.raises(ScreeningFileError) as caught:
        Rulebook.load(broken(tmp_path, old, new))
    assert re.search(told, str(caught.value))
    assert re.match(r"rules\.yml:\d+: ", str(caught.value))


def test_only_controlled_blood_pressure_may_lead_to_eligible(tmp_path: Path) -> None:
    path = broken(tmp_path, 'title: "No it has gone", outcome: review', 'title: "No it has gone", outcome: eligible')
    with pytest.raises(ScreeningFileError, match="only controlled blood pressure"):
        Rulebook.load(path)


def test_the_items_are_the_contracts_questions_in_order(rulebook: Rulebook) -> None:
    assert tuple(item.id for item in rulebook.items) == LINK_IDS
    assert len(LINK_IDS) == 11


def test_every_listed_condition_has_words(rulebook: Rulebook) -> None:
    known = {group.condition for group in Vocabulary.load().groups}
    assert set(LINK_IDS) - {"other"} <= known


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("settles: weeks", "settles: soon", "'soon'.*allowed are"),
        ("  - id: hypertension\n", "  - id: sutures\n", "exists twice"),
        ("list: contraindication", "list: forbidden", "'forbidden'.*allowed are"),
        ("    condition: hematoma", "    condition: lump_of_blood", "not on the handout's lists"),
        ("    terms: [stitch,", "    words: [stitch,", "unknown key 'words'"),
        ("atc: C02-C03, C07-C09", "atc: blood pressure", "not an ATC class"),
        ("'sewn up'", "'sewn (up'", "not a regular expression"),
    ],
)
def test_a_slip_in_the_vocabulary_is_told_with_its_line(tmp_path: Path, old: str, new: str, told: str) -> None:
    folder = tmp_path / "vocabulary"
    shutil.copytree(DIRECTORY, folder)
    path = folder / "contraindications.yml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ScreeningFileError) as caught:
        Vocabulary.load(folder)
    assert re.search(told, str(caught.value))
    assert re.match(r"contraindications\.yml:\d+: ", str(caught.value))


def test_medicines_carry_their_atc_class() -> None:
    for group in Vocabulary.load().groups:
        if (
            group.id.endswith("_medicine")
            and group.listing != "irrelevant"
            and group.id not in ("other_medicine", "unnamed_medicine")
        ):
            assert group.atc != "-", group.id
