"""What each kind of training text teaches the encoder."""

from __future__ import annotations

from bot.emergency.semantic import Example
from bot.screening.detector import FLAG, HARMLESS, Sample
from bot.tuning import lesson, screen_samples

MESSAGES = (
    Example("is the sauna ok?", "handout/after_heat"),
    Example("I have lupus", "condition/autoimmune"),
    Example("my dad has lupus", "health_remark/relative"),
    Example("my chest is crushing", "emergency/chest_pain"),
)
DISCLOSURES = (Sample("On Warfarin.", FLAG, "anticoagulant"), Sample("Fit as a fiddle!", HARMLESS, "well"))


def test_every_task_has_a_label_or_none_for_every_text() -> None:
    learned = lesson(MESSAGES, DISCLOSURES)
    assert len(learned.texts) == 6
    assert {len(task.labels) for task in learned.tasks.values()} == {6}


def test_messages_teach_keys_groups_and_urgency_and_screening_texts_none_of_them() -> None:
    tasks = lesson(MESSAGES, DISCLOSURES).tasks
    assert list(tasks["key"].labels) == [*(message.intent for message in MESSAGES), None, None]
    assert list(tasks["group"].labels) == ["handout", "condition", "health_remark", "emergency", None, None]
    assert list(tasks["urgent"].labels) == ["no", "no", "no", "yes", None, None]


def test_texts_about_health_teach_whether_a_therapist_would_want_to_see_them() -> None:
    tasks = lesson(MESSAGES, DISCLOSURES).tasks
    assert list(tasks["flag"].labels) == [None, FLAG, HARMLESS, None, FLAG, HARMLESS]
    assert [label is None for label in tasks["kind"].labels] == [True, False, False, True, False, False]


def test_texts_are_in_the_form_in_which_they_are_encoded_later() -> None:
    assert lesson(MESSAGES, DISCLOSURES).texts[-2:] == ["on warfarin", "fit as a fiddle"]


def test_the_large_reader_learns_each_prepared_text_once_with_its_side_first() -> None:
    samples = [*DISCLOSURES, Sample("on warfarin", FLAG, "anticoagulant")]
    assert screen_samples(samples) == [
        {"text": "on warfarin", "kind": "flag/rare"},
        {"text": "fit as a fiddle", "kind": "harmless/rare"},
    ]
