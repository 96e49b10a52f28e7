"""Broken content files are refused with file, line, what is wrong and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from bot.handout import Handout, HandoutError


def problems(directory: Path) -> str:
    with pytest.raises(HandoutError) as caught:
        Handout.load(directory)
    return "\n".join(caught.value.problems)


def change(directory: Path, file: str, old: str, new: str) -> int:
    """Replace one piece of a file; the line where it stood."""
    path = directory / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_files_as_they_are_load(content: Path) -> None:
    assert len(Handout.load(content).passages) == 24


def test_an_unknown_passage_is_named_with_the_close_one(content: Path) -> None:
    line = change(content, "aftercare.yml", "after_heat:", "after_heats:")
    found = problems(content)
    assert f"aftercare.yml:{line}: 'after_heats' is not known in passages" in found
    assert "Did you mean 'after_heat'?" in found
    assert "passages has no 'after_heat'; add it." in found


def test_an_unknown_key_is_named_with_those_allowed(content: Path) -> None:
    line = change(content, "sensations.yml", "title: discomfort", "titel: discomfort")
    assert (
        f"sensations.yml:{line}: 'titel' is not known in pain; allowed: title, question, answer, about, limits, specifics, "
        "follow_ups. Did you mean 'title'?"
    ) in problems(content)


def test_a_missing_answer_is_named(content: Path) -> None:
    path = content / "treatment.yml"
    text = path.read_text(encoding="utf-8")
    without = re.sub(
        r"(question: Is it the same as Gua Sha\?\n    about: .*\n)    answer: >-\n(?:      .*\n)+", r"\1", text
    )
    path.write_text(without, encoding="utf-8")
    assert "gua_sha has no 'answer'; add it." in problems(content)


def test_an_empty_text_is_named(content: Path) -> None:
    line = change(content, "before.yml", "title: what to wear", "title:")
    assert f"before.yml:{line}: title of before_clothing is empty; write a text." in problems(content)


def test_a_text_of_more_than_eighty_words_is_refused(content: Path) -> None:
    change(content, "conversation.yml", "You are in the middle of the health screen.", "word " * 81)
    assert re.search(r"conversation\.yml:\d+: screen\.already_running has \d+ words; 80 is the most", problems(content))


def test_a_title_that_does_not_fit_a_button_is_refused(content: Path) -> None:
    line = change(content, "conversation.yml", "pass_on: Ask the therapist", f"pass_on: {'Ask the therapist ' * 4}")
    found = problems(content)
    assert re.search(rf"conversation\.yml:{line}: button\.pass_on has \d+ characters; 40 is the most", found)


def test_an_unknown_placeholder_is_named_with_those_allowed(content: Path) -> None:
    change(content, "conversation.yml", "{practice_name}", "{practise_name}")
    found = problems(content)
    assert "greeting.first uses the unknown placeholder {practise_name}; allowed: {practice_name}." in found
    assert "greeting.first leaves out the placeholder {practice_name}; use it." in found


def test_a_placeholder_in_an_answer_is_refused(content: Path) -> None:
    change(content, "sensations.yml", "Some discomfort during treatment is normal.", "Hello {name}.")
    assert "answer of pain uses the unknown placeholder {name}; allowed: none." in problems(content)


def test_an_unpaired_brace_is_named(content: Path) -> None:
    change(content, "conversation.yml", "{practice_name}", "{practice_name")
    assert "greeting.first has an unpaired brace" in problems(content)


def test_a_term_that_stands_twice_in_a_passage_is_named_with_its_first_place(content: Path) -> None:
    line = change(content, "aftercare.yml", "terms: [hot tub, hottub,", "terms: [hot tub, Saunas,")
    assert re.search(
        rf"aftercare\.yml:{line}: the term 'Saunas' of after_heat \(hot tub\) already stands in after_heat \(sauna\) "
        r"\(aftercare\.yml:\d+\); keep one\.",
        problems(content),
    )


def test_a_term_cannot_be_both_named_and_not_named_by_the_handout(content: Path) -> None:
    change(content, "not_covered.yml", "terms: [shower,", "terms: [shower, sauna,")
    assert "the term 'sauna' of the topic shower already stands in after_heat (sauna)" in problems(content)


def test_a_specific_without_words_is_named(content: Path) -> None:
    words = "        terms: [numb the area, numbing]\n        also: [anaesthetic, anesthetic, numb]\n"
    change(content, "sensations.yml", words, "")
    assert "pain (numbing) has neither 'terms' nor 'also'; without words it is never found." in problems(content)


def test_terms_that_are_not_a_list_are_named(content: Path) -> None:
    line = change(content, "aftercare.yml", "terms: [hot spring, onsen]", "terms: hot spring")
    assert f"aftercare.yml:{line}: terms of after_heat (hot springs) must be a list" in problems(content)


def test_a_term_without_letters_is_named(content: Path) -> None:
    line = change(content, "aftercare.yml", "terms: [hot spring, onsen]", "terms: [hot spring, '?']")
    assert f"aftercare.yml:{line}: terms of after_heat (hot springs) has an item without words" in problems(content)


def test_an_unknown_kind_of_follow_up_is_named(content: Path) -> None:
    change(content, "aftercare.yml", "      how_long:", "      how_often:")
    assert "'how_often' is not known in follow_ups of after_rest; allowed: how_long, why" in problems(content)


def test_an_unknown_limit_or_one_that_is_no_number_is_named(content: Path) -> None:
    line = change(content, "sensations.yml", "limits: {days: 3}", "limits: {days: three}")
    assert f"sensations.yml:{line}: limit days of bruising must be a whole number from 1 to 9999." in problems(content)
    change(content, "sensations.yml", "limits: {days: three}", "limits: {hours: 3}")
    assert "'hours' is not known in limits of bruising; allowed: days." in problems(content)


def test_a_close_passage_that_does_not_exist_is_named(content: Path) -> None:
    change(content, "not_covered.yml", "near: after_fluids", "near: after_drinks")
    assert "near of alcohol: 'after_drinks' is not a passage; allowed: what_is_iastm" in problems(content)


def test_a_close_text_needs_its_passage(content: Path) -> None:
    change(content, "not_covered.yml", "    near: after_fluids\n", "")
    assert "alcohol has a near_text but no 'near'; name its passage." in problems(content)


def test_the_topic_for_everything_else_must_be_there(content: Path) -> None:
    change(content, "not_covered.yml", "  other:\n    about: that\n", "")
    assert "topics has no 'other'; add it." in problems(content)


def test_a_condition_on_a_list_that_the_handout_does_not_have_is_named(content: Path) -> None:
    change(content, "contraindications.yml", "list: modified}", "list: maybe}")
    assert "'maybe' is not a list of the handout; allowed: contraindications, modified, none." in problems(content)


def test_a_missing_text_of_the_conversation_is_named(content: Path) -> None:
    change(content, "conversation.yml", "  stale_button: That", "  old_button: That")
    found = problems(content)
    assert "'old_button' is not known in message" in found
    assert "message has no 'stale_button'; add it." in found


def test_a_key_that_stands_twice_is_named(content: Path) -> None:
    question = "    question: Does it hurt?"
    change(content, "sensations.yml", question, f"{question}\n    question: Is it sore?")
    assert "'question' stands twice in pain; keep one." in problems(content)


def test_a_file_that_is_not_yaml_is_named_with_the_line(content: Path) -> None:
    change(content, "before.yml", "passages:", "passages: [")
    assert re.search(r"before\.yml:\d+: this is not valid YAML", problems(content))


def test_a_missing_an_empty_and_an_unreadable_file_are_named(content: Path) -> None:
    (content / "before.yml").unlink()
    (content / "sensations.yml").write_text("# nothing\n", encoding="utf-8")
    (content / "treatment.yml").write_bytes(b"passages: \xff")
    found = problems(content)
    assert "before.yml: the file cannot be read" in found
    assert "sensations.yml:1: the file is empty." in found
    assert "treatment.yml: the file is not UTF-8 text" in found


def test_a_list_where_names_are_expected_is_refused(content: Path) -> None:
    (content / "before.yml").write_text("- one\n- two\n", encoding="utf-8")
    assert "before.yml:1: the file must be a list of `name: value` lines." in problems(content)


def test_all_problems_are_told_at_once(content: Path) -> None:
    change(content, "sensations.yml", "title: discomfort", "titel: discomfort")
    change(content, "aftercare.yml", "after_heat:", "after_heats:")
    change(content, "conversation.yml", "{practice_name}", "")
    found = problems(content)
    assert all(file in found for file in ("sensations.yml", "aftercare.yml", "conversation.yml"))


def test_a_specific_that_both_answers_and_leaves_open_is_refused(content: Path) -> None:
    change(content, "aftercare.yml", "terms: [hot spring, onsen]", "terms: [hot spring, onsen]\n        answer: No.")
    assert "after_heat (hot springs) needs one of 'answer' and 'open'" in problems(content)
