"""A rules file that cannot be trusted is refused, with the line and what is allowed."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.emergency import EmergencyDetector, EmergencyError
from bot.emergency.phrases import PhraseError, Phrases
from bot.emergency.rules import CATEGORIES, CONTEXT, DEFAULT_RULES, LONGEST_MESSAGE_WORDS, load_rules
from bot.emergency.text import tokens

SHIPPED = DEFAULT_RULES.read_text(encoding="utf-8")


def _broken(tmp_path: Path, old: str, new: str) -> str:
    """Return the error for the shipped rules with `old` replaced once by `new`."""
    assert old in SHIPPED
    path = tmp_path / "rules.yml"
    path.write_text(SHIPPED.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(EmergencyError) as caught:
        load_rules(path)
    return str(caught.value)


def test_the_shipped_rules_have_every_category_with_source_date_and_message() -> None:
    rules = load_rules()
    assert set(rules.categories) == set(CATEGORIES)
    for category in rules.categories.values():
        assert category.source
        assert category.since.year >= 2026
        assert "{emergency_number}" in category.message
        assert "told the therapist" in category.message
        assert len(category.message.split()) <= LONGEST_MESSAGE_WORDS


def test_every_term_list_is_used_by_some_combination() -> None:
    rules = load_rules()
    used = {name for combination in rules.combinations for name in combination.terms + combination.unless}
    assert set(rules.lists) - {f"context:{name}" for name in CONTEXT} == used


def test_strong_combinations_are_tried_before_weak_ones() -> None:
    strengths = [combination.strength for combination in load_rules().combinations]
    assert strengths == sorted(strengths)


def test_an_unknown_key_is_refused_with_its_line_and_the_allowed_ones(tmp_path: Path) -> None:
    message = _broken(tmp_path, "- id: rhabdo\n", "- id: rhabdo\n  urgency: high\n")
    line = SHIPPED[: SHIPPED.index("- id: rhabdo\n")].count("\n") + 2
    assert f"rules.yml:{line}: unknown key 'urgency'" in message
    assert "combinations" in message


def test_an_unknown_category_is_refused(tmp_path: Path) -> None:
    assert "unknown category 'rabdo': allowed are chest_pain" in _broken(tmp_path, "- id: rhabdo\n", "- id: rabdo\n")


def test_a_missing_category_is_refused(tmp_path: Path) -> None:
    start = SHIPPED.index("- id: other_urgent\n")
    path = tmp_path / "rules.yml"
    path.write_text(SHIPPED[:start], encoding="utf-8")
    with pytest.raises(EmergencyError, match="no rules for other_urgent"):
        load_rules(path)


def test_a_phrase_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    message = _broken(tmp_path, "    - heavy chest\n", "    - (heavy chest\n")
    assert "'(heavy chest' cannot be used: a bracket is not closed" in message


def test_a_phrase_that_spelling_repair_would_hide_is_refused(tmp_path: Path) -> None:
    message = _broken(tmp_path, "    - heavy chest\n", "    - heavy chst\n")
    assert "'chst' can never match, because spelling repairs it: write 'chest'" in message


def test_an_unknown_list_in_a_combination_is_refused(tmp_path: Path) -> None:
    message = _broken(tmp_path, "all: [neck_work, sight_loss]", "all: [neck_wrk, sight_loss]")
    assert "unknown list 'neck_wrk'" in message


def test_a_missing_message_is_refused(tmp_path: Path) -> None:
    start = SHIPPED.index("  message: >-\n")
    end = SHIPPED.index("  strong:\n", start)
    path = tmp_path / "rules.yml"
    path.write_text(SHIPPED[:start] + SHIPPED[end:], encoding="utf-8")
    with pytest.raises(EmergencyError, match="message is missing or empty"):
        load_rules(path)


def test_a_message_that_is_too_long_is_refused(tmp_path: Path) -> None:
    message = _broken(tmp_path, "I'm really glad you told me.", "I'm really glad you told me. " + "word " * 60)
    assert f"words: {LONGEST_MESSAGE_WORDS} are allowed" in message


def test_a_message_without_the_emergency_number_is_refused(tmp_path: Path) -> None:
    assert "does not name {emergency_number}" in _broken(tmp_path, "{emergency_number} now and stay near", "us")


def test_an_unknown_placeholder_is_refused(tmp_path: Path) -> None:
    assert "unknown placeholder {phone}" in _broken(tmp_path, "{practice_phone}", "{phone}")


def test_a_threshold_outside_0_to_1_is_refused(tmp_path: Path) -> None:
    assert "a number between 0 and 1 is needed" in _broken(tmp_path, "  nothing: ", "  nothing: 3")


def test_an_unknown_strength_is_refused(tmp_path: Path) -> None:
    message = _broken(tmp_path, "strength: weak", "strength: mild")
    assert "strength is 'mild': allowed are strong, weak" in message


def test_several_problems_are_reported_together(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text(SHIPPED.replace("- id: rhabdo\n", "- id: a\n").replace("- id: stroke\n", "- id: b\n"), "utf-8")
    with pytest.raises(EmergencyError) as caught:
        load_rules(path)
    assert len(str(caught.value).splitlines()) == 2


def test_what_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "rules.yml"
    path.write_text("version: '1'\nterms: [a\nb: c\n", encoding="utf-8")
    with pytest.raises(EmergencyError, match=r"rules\.yml:\d+: this is not valid YAML"):
        load_rules(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmergencyError, match="cannot be read"):
        EmergencyDetector.load(tmp_path / "none.yml", lexical_only=True)


@pytest.mark.parametrize(
    ("phrase", "text", "found"),
    [
        ("chest pain", "my chest pain", ["chest pain"]),
        ("chest pain", "my chest. pain", []),
        ("(left|right) arm", "left arm, right arm", ["left arm", "right arm"]),
        ("(my)? arm", "arm", ["arm"]),
        ("(my)? arm", "my arm", ["my arm", "arm"]),
        ("cant (breathe|get (air|breath))", "i cant get air, can not breathe", ["cant get air", "can not breathe"]),
        ("swoll*", "swollen", ["swollen"]),
        ("chest .. hurts", "chest really really hurts", ["chest really really hurts"]),
        ("chest .. hurts", "chest not hurts", []),
        ("chest .. hurts", "chest a b c d hurts", []),
        ("fever <fever>", "fever 39,2", ["fever 39,2"]),
        ("fever <fever>", "fever 36.6", []),
    ],
)  # fmt: skip
def test_a_phrase_matches_what_it_stands_for(phrase: str, text: str, found: list[str]) -> None:
    phrases = Phrases(frozenset({"not"}))
    phrases.add("it", phrase)
    words = tokens(text, lambda word: (word,))
    assert [text[words[hit.start].start : words[hit.end - 1].end] for hit in phrases.find(words)] == found


@pytest.mark.parametrize(
    "phrase", ["", "a)", "(a", ".. a", "a ..", "(a)? .. b", "ab*", "don't", "Chest", "<weight>", "(a)?", "(a|)"]
)
def test_a_phrase_outside_the_language_is_refused(phrase: str) -> None:
    with pytest.raises(PhraseError):
        Phrases().add("it", phrase)


def test_a_key_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    assert "'chest' is there twice in terms" in _broken(tmp_path, "  chest_muscle:\n", "  chest:\n")
