"""The screen as a conversation."""

from __future__ import annotations

import json

import pytest

from bot.screening.decision import AnswerError
from bot.screening.interview import Interview
from bot.screening.reader import Reader
from bot.screening.rulebook import LINK_IDS, Rulebook
from tests.unit.screening.conftest import NOW


@pytest.fixture
def interview(rulebook: Rulebook, reader: Reader) -> Interview:
    return Interview.start(rulebook, reader)


def consented(interview: Interview) -> Interview:
    interview.answer("yes", NOW)
    return interview


def test_without_consent_nothing_is_kept_and_the_client_is_pointed_to_the_therapist(interview: Interview) -> None:
    step = interview.answer("no", NOW)
    assert interview.state == "declined"
    assert interview.answers == {}
    assert interview.findings == {}
    assert "therapist" in (step.message or "")


def test_eleven_times_no_is_eligible(interview: Interview) -> None:
    consented(interview)
    for link_id in LINK_IDS:
        assert interview.current is not None
        assert interview.current.id == link_id
        step = interview.answer("no", NOW)
    assert step.decision is not None
    assert step.decision.outcome == "eligible"
    assert step.decision.valid_until is not None


def test_a_yes_gets_its_follow_up_before_the_outcome_is_told(interview: Interview) -> None:
    consented(interview)
    step = interview.answer("yes", NOW)
    assert step.decision is None
    assert step.question is not None
    assert step.question.id == "recent_sutures.when"
    step = interview.answer("still_in", NOW)
    assert step.question is not None
    assert step.question.id == "recent_sutures.where"
    step = interview.answer("left knee", NOW)
    assert step.decision is not None
    assert step.decision.outcome == "not_eligible"


def test_controlled_blood_pressure_goes_on(interview: Interview) -> None:
    consented(interview)
    interview.answer("no", NOW)
    interview.answer("yes", NOW)
    step = interview.answer("Yes and it was below", NOW)
    assert step.question is not None
    assert step.question.id == "kidney_dysfunction"


def test_words_that_do_not_answer_leave_the_question_open(interview: Interview) -> None:
    consented(interview)
    step = interview.answer("can I go to the sauna?", NOW)
    assert not step.understood
    assert step.question is not None
    assert step.question.id == "recent_sutures"


def test_back_asks_the_question_before_again(interview: Interview) -> None:
    consented(interview)
    interview.answer("no", NOW)
    step = interview.back()
    assert step.question is not None
    assert step.question.id == "recent_sutures"
    assert interview.answers == {}


def test_back_at_the_first_question_stays_there(interview: Interview) -> None:
    consented(interview)
    step = interview.back()
    assert not step.understood
    assert step.question is not None


def test_a_skipped_question_counts_as_not_sure(interview: Interview) -> None:
    consented(interview)
    interview.skip(NOW)
    for _ in LINK_IDS[1:]:
        step = interview.answer("no", NOW)
    assert step.decision is not None
    assert step.decision.outcome == "review"


def test_stop_forgets_the_answers(interview: Interview) -> None:
    consented(interview)
    interview.answer("unsure", NOW)
    interview.stop()
    assert interview.state == "stopped"
    assert interview.answers == {}
    assert interview.current is None


def test_a_corrected_answer_replaces_the_old_one(interview: Interview) -> None:
    consented(interview)
    interview.answer("unsure", NOW)
    interview.correct("recent_sutures", "no", NOW)
    for _ in LINK_IDS[1:]:
        step = interview.answer("no", NOW)
    assert step.decision is not None
    assert step.decision.outcome == "eligible"


def test_a_correction_to_yes_asks_the_follow_up(interview: Interview) -> None:
    consented(interview)
    interview.answer("no", NOW)
    step = interview.correct("recent_sutures", "yes", NOW)
    assert step.question is not None
    assert step.question.id == "recent_sutures.when"


@pytest.mark.parametrize(("link_id", "value"), [("toes", "no"), ("cancer", "perhaps")])
def test_an_unknown_correction_is_refused_with_what_is_allowed(interview: Interview, link_id: str, value: str) -> None:
    consented(interview)
    with pytest.raises(AnswerError, match="allowed are"):
        interview.correct(link_id, value, NOW)


def test_another_condition_told_on_the_way_reaches_the_decision(interview: Interview) -> None:
    consented(interview)
    interview.answer("no but i take metformin", NOW)
    for _ in LINK_IDS[1:]:
        step = interview.answer("no", NOW)
    assert step.decision is not None
    assert step.decision.outcome == "review"


def test_a_contraindication_in_the_open_answer_decides(interview: Interview) -> None:
    consented(interview)
    for _ in LINK_IDS[:-1]:
        interview.answer("no", NOW)
    step = interview.answer("I'm on dialysis", NOW)
    assert step.decision is not None
    assert step.decision.outcome == "not_eligible"


def test_why_and_explain_speak_of_the_open_question(interview: Interview, rulebook: Rulebook) -> None:
    consented(interview)
    assert interview.why() == rulebook.items[0].why
    assert interview.explain() == rulebook.items[0].explain


def test_an_interview_survives_storage(interview: Interview, rulebook: Rulebook, reader: Reader) -> None:
    consented(interview)
    interview.answer("no but i take metformin", NOW)
    interview.answer("yes", NOW)
    stored = json.loads(json.dumps(interview.to_dict()))
    again = Interview.from_dict(stored, rulebook, reader, NOW)
    assert again.to_dict() == interview.to_dict()
    assert again.current == interview.current
