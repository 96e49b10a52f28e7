"""The API decides as the chat does, and later answers never make a contraindication disappear unseen."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.eligibility.facts import Facts, add, hear
from bot.eligibility.submission import InvalidSubmission, Submission
from bot.screening import Decision
from bot.screening.interview import Interview
from bot.screening.model import SEVERITY
from bot.screening.reader import Reader
from bot.screening.rulebook import LINK_IDS, Rulebook, default_rulebook
from tests.unit.eligibility.conftest import ALL_NO, LISTED_NO, NOW

CASES = 300
WORDS = (
    "no", "nothing else", "I like firm pressure", "I take warfarin", "my dad has kidney disease", "no varicose veins",
    "not sure if I have diabetes", "stitches when I was six", "118/76 at my check up", "165/105 last week",
    "I am 20 weeks pregnant", "crushing chest pain and I can't breathe", "I have a pacemaker", "no blood thinners other than warfarin",
    "my kidneys are fine", "tengo un problema en el riñón", "🙂", "I said no but actually I had cancer", "eGFR 28",
    "I sit at a desk all day", "gout in my toe right now", "i don't know",
)  # fmt: skip
FOLLOW_UP_WORDS = ("left knee", "warfarin 3 mg", "apixaban", "my back since yesterday", "unsure", "also I am pregnant")


def api(
    rulebook: Rulebook, reader: Reader, answers: dict[str, str], follow_ups: dict[str, str], text: str | None
) -> Decision:
    submission = Submission(answers, follow_ups, text, None)
    facts = Facts()
    facts.take(add(facts, submission, hear(submission, rulebook, reader, NOW), rulebook, False), rulebook)
    return facts.decide(rulebook, NOW)


def chat(
    rulebook: Rulebook, reader: Reader, answers: dict[str, str], follow_ups: dict[str, str], text: str
) -> Decision:
    interview = Interview.start(rulebook, reader)
    interview.answer("yes", NOW)
    for _ in range(60):
        question = interview.current
        if question is None:
            break
        told = text if question.id == "other" else {**answers, **follow_ups}[question.id]
        assert interview.answer(told, NOW).understood, f"{question.id} did not take {told!r}"
    assert interview.decision is not None
    return interview.decision


def generated(rulebook: Rulebook, number: int) -> tuple[dict[str, str], dict[str, str], str]:
    chosen = random.Random(number)
    answers = {}
    follow_ups = {}
    for item in rulebook.items[:-1]:
        answers[item.id] = chosen.choices(("no", "yes", "unsure"), (12, 1, 1))[0]
        for follow_up in item.follow_ups if answers[item.id] == "yes" else ():
            options = [option.value for option in follow_up.options]
            follow_ups[follow_up.id] = chosen.choice(options or FOLLOW_UP_WORDS)
    return answers, follow_ups, chosen.choice(WORDS)


def told(decision: Decision) -> set[tuple[str, str, str, str]]:
    return {(f.condition, f.status, f.origin, f.evidence) for f in decision.findings}


def test_chat_and_api_decide_alike_for_the_same_facts(rulebook: Rulebook, reader: Reader) -> None:
    outcomes = set()
    for number in range(CASES):
        answers, follow_ups, text = generated(rulebook, number)
        by_chat = chat(rulebook, reader, answers, follow_ups, text)
        by_api = api(rulebook, reader, answers, follow_ups, text)
        outcomes.add(by_chat.outcome)
        if by_chat.unanswered:
            # chat stops asking at a contraindication; what the rest adds can only be worse
            assert by_chat.outcome in ("not_eligible", "urgent")
            assert SEVERITY.index(by_api.outcome) >= SEVERITY.index(by_chat.outcome), (number, text)
            continue
        assert by_api.outcome == by_chat.outcome, (number, text)
        assert by_api.rules_fired == by_chat.rules_fired, (number, text)
        assert by_api.notes == by_chat.notes
        assert told(by_api) == told(by_chat), (number, text)
    assert outcomes == {"eligible", "modified", "review", "not_eligible", "urgent"}


@pytest.mark.parametrize("text", ["do I need to bring a towel?", "is there parking"])
def test_a_harmless_question_in_a_form_has_nobody_to_answer_it_and_does_not_block(
    rulebook: Rulebook, reader: Reader, text: str
) -> None:
    assert api(rulebook, reader, LISTED_NO, {}, text).outcome == "eligible"


@pytest.mark.parametrize("text", ["\u200b\u200d\u2060", "\ufeff"])
def test_invisible_characters_are_no_answer(rulebook: Rulebook, reader: Reader, text: str) -> None:
    assert api(rulebook, reader, LISTED_NO, {}, text).outcome == "incomplete"


@pytest.mark.parametrize("text", ["yes", "Unsure", "YES "])
def test_a_bare_yes_in_words_goes_to_the_therapist(rulebook: Rulebook, reader: Reader, text: str) -> None:
    assert api(rulebook, reader, LISTED_NO, {}, text).outcome == "review"


def test_words_alone_are_incomplete_unless_they_decide(rulebook: Rulebook, reader: Reader) -> None:
    assert api(rulebook, reader, {}, {}, "I like firm pressure").outcome == "incomplete"
    assert api(rulebook, reader, {}, {}, "I take warfarin").outcome == "incomplete"
    assert api(rulebook, reader, {}, {}, "I have osteomyelitis in my foot").outcome == "not_eligible"
    assert api(rulebook, reader, {}, {}, "crushing chest pain and I can't breathe").outcome == "urgent"


def test_words_beside_a_no_are_read_against_it(rulebook: Rulebook, reader: Reader) -> None:
    assert api(rulebook, reader, ALL_NO, {}, "I like firm pressure").outcome == "eligible"
    decision = api(rulebook, reader, ALL_NO, {}, "I take warfarin")
    assert decision.outcome == "review"
    assert "contradiction" in decision.rules_fired


def test_findings_that_change_nothing_are_listed(rulebook: Rulebook, reader: Reader) -> None:
    decision = api(rulebook, reader, ALL_NO, {}, "my dad has kidney disease")
    assert ("kidney_dysfunction", "other_person") in {(f.condition, f.status) for f in decision.findings}


@pytest.mark.parametrize("parent", ["no", "unsure", None])
def test_a_follow_up_without_its_yes_is_refused(rulebook: Rulebook, reader: Reader, parent: str | None) -> None:
    answers = {} if parent is None else {"hematoma": parent}
    with pytest.raises(InvalidSubmission, match=r"hematoma\.now"):
        api(rulebook, reader, answers, {"hematoma.now": "gone"}, None)


class Growing:
    """A check that is added to."""

    def __init__(self, rulebook: Rulebook, reader: Reader) -> None:
        self.facts = Facts()
        self._rulebook = rulebook
        self._reader = reader
        self._told = False

    def send(self, text: str | None = None, **answers: str) -> Decision:
        plain = {name: value for name, value in answers.items() if "__" not in name}
        follow_ups = {name.replace("__", "."): value for name, value in answers.items() if "__" in name}
        submission = Submission(plain, follow_ups, text, None)
        heard = hear(submission, self._rulebook, self._reader, NOW)
        self.facts.take(add(self.facts, submission, heard, self._rulebook, self._told), self._rulebook)
        decision = self.facts.decide(self._rulebook, NOW)
        self._told = decision.outcome != "incomplete"
        return decision


@pytest.fixture
def growing(rulebook: Rulebook, reader: Reader) -> Growing:
    return Growing(rulebook, reader)


def test_open_questions_are_answered_later(growing: Growing) -> None:
    first = growing.send(text="I like firm pressure", **dict(list(LISTED_NO.items())[:4]))
    assert first.outcome == "incomplete"
    assert growing.send(**dict(list(LISTED_NO.items())[4:])).outcome == "eligible"


def test_a_slip_is_corrected_while_nothing_has_been_decided(growing: Growing) -> None:
    assert growing.send(cancer="yes", cancer__now="stable").outcome == "incomplete"
    assert growing.send(**ALL_NO).outcome == "eligible"
    assert "cancer.now" not in growing.facts.follow_ups


@pytest.mark.parametrize("first", ["yes", "unsure"])
@pytest.mark.parametrize("link_id", LINK_IDS)
def test_an_answer_taken_back_after_the_outcome_was_told_is_not_eligible(
    growing: Growing, link_id: str, first: str
) -> None:
    growing.send(**{**ALL_NO, link_id: first})
    assert growing.send(**{link_id: "no"}).outcome == "review"
    assert growing.send(**ALL_NO).outcome == "review", "sending it again changes nothing"


def test_a_follow_up_taken_back_after_the_outcome_was_told_is_not_eligible(growing: Growing) -> None:
    name = "uncontrolled_hypertension"
    told = growing.send(**{**ALL_NO, name: "yes", f"{name}__controlled": "high"})
    assert told.outcome == "not_eligible"
    assert growing.send(**{f"{name}__controlled": "controlled"}).outcome == "review"


def test_a_follow_up_that_was_still_open_is_answered_later(growing: Growing) -> None:
    name = "uncontrolled_hypertension"
    assert growing.send(**{**ALL_NO, name: "yes"}).outcome == "not_eligible"
    assert growing.send(**{f"{name}__controlled": "controlled"}).outcome == "eligible"


def test_words_stay_said(growing: Growing) -> None:
    growing.send(text="I take warfarin", **LISTED_NO)
    assert growing.send(text="nothing else", other="no").outcome == "review"


def test_words_added_later_count_against_an_eligible_check(growing: Growing) -> None:
    assert growing.send(**ALL_NO).outcome == "eligible"
    assert growing.send(text="I forgot: I am pregnant").outcome == "review"


submissions = st.tuples(
    st.dictionaries(st.sampled_from(LINK_IDS), st.sampled_from(("yes", "no", "unsure"))),
    st.none() | st.sampled_from(WORDS),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(st.lists(submissions, min_size=1, max_size=4))
def test_only_a_final_no_to_everything_is_ever_eligible(reader: Reader, sent: list[tuple[dict[str, str], Any]]) -> None:
    growing = Growing(default_rulebook(), reader)
    for answers, text in sent:
        decision = growing.send(text=text, **answers)
        if decision.outcome == "eligible":
            assert set(growing.facts.answers.values()) == {"no"}
            assert set(growing.facts.answers) == set(LINK_IDS)
            assert not any(finding.counts for finding in growing.facts.findings)
