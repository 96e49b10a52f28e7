"""What counts as right, wrong and silent, kind by kind."""

from __future__ import annotations

import pytest

from bot.emergency.rules import load_rules
from bot.evaluation.chat import Reply
from bot.evaluation.judging import MARKS, Verdict, categories_of, judge, judge_screening, parts_answered
from bot.evaluation.rows import FLAG, HARMLESS, NO_ALARM, Expectation, Row

BRUISING = Expectation("answer", ("bruising", "tenderness"))
SILENT_ON = Expectation("not_in_handout", ("after_heat",))
BUTTONS = {"Ask the therapist": "/human"}


def answer(*sources: str) -> Reply:
    return Reply("answer", "", sources)


def judged(set_name: str, expected: Expectation, *replies: Reply) -> Verdict:
    return judge(Row(set_name, f"{set_name}-1", "dot", False, ("hello",), (expected,)), replies)


def holds(verdict: Verdict) -> set[str]:
    """The marks that hold."""
    assert set(verdict.marks) <= set(MARKS)
    return {name for name, count in verdict.marks.items() if count.hits}


def test_an_answer_from_any_accepted_passage_is_right() -> None:
    verdict = judged("single", BRUISING, answer("tenderness"))
    assert verdict.outcome == "correct"
    assert holds(verdict) == {"correct", "answered_correctly"}
    assert verdict.got_subject == "bruising", "on the map it lies where it was meant"


def test_an_answer_from_another_passage_is_wrong_and_is_counted_as_such() -> None:
    verdict = judged("single", BRUISING, answer("pain"))
    assert verdict.outcome == "wrong"
    assert holds(verdict) == {"wrong", "wrong_passage"}
    assert verdict.got_subject == "pain"


def test_a_right_answer_with_another_one_besides_is_right_and_noted() -> None:
    assert holds(judged("single", BRUISING, answer("bruising"), answer("pain"))) == {
        "correct",
        "answered_correctly",
        "extra",
    }


@pytest.mark.parametrize("kind", ["clarify", "fallback", "not_in_handout"])
def test_no_answer_to_a_question_of_the_handout_is_silence(kind: str) -> None:
    verdict = judged("single", BRUISING, Reply(kind, ""))
    assert verdict.outcome == "silent"
    assert verdict.marks["answered_correctly"].of == 0


def test_another_kind_of_reply_is_wrong_without_a_wrong_passage() -> None:
    assert holds(judged("single", BRUISING, Reply("smalltalk", ""))) == {"wrong"}


def test_saying_that_the_handout_is_silent_is_right_where_it_is() -> None:
    verdict = judged("not_in_handout", SILENT_ON, Reply("not_in_handout", "", ("after_heat",), BUTTONS))
    assert holds(verdict) == {"correct", "answered_correctly", "offered"}


def test_citing_a_passage_that_is_not_close_is_noted() -> None:
    assert "stray_citation" in holds(judged("not_in_handout", SILENT_ON, Reply("not_in_handout", "", ("pain",))))


def test_an_answer_to_what_the_handout_leaves_open_is_wrong_even_with_a_disclaimer() -> None:
    for replies in ([answer("after_heat")], [Reply("not_in_handout", ""), answer("after_heat")]):
        verdict = judged("not_in_handout", SILENT_ON, *replies)
        assert verdict.outcome == "wrong"
        assert "wrong_passage" in holds(verdict)
        assert verdict.got_kind == "answer"


def test_an_alarm_is_counted_before_its_category() -> None:
    chest = load_rules().categories["chest_pain"].message.format(emergency_number="999", practice_phone="the practice")
    expected = Expectation("emergency", detail="chest_pain")
    assert holds(judged("emergency", expected, Reply("emergency", chest))) == {"alarm", "category"}
    assert holds(judged("emergency", expected, Reply("emergency", "Call for help."))) == {"alarm"}
    missed = judged("emergency", expected, answer("pain"))
    assert holds(missed) == {"missed"}
    assert "category" not in missed.marks


def test_asking_back_in_an_emergency_is_wrong() -> None:
    assert judged("emergency", Expectation("emergency", detail="stroke"), Reply("clarify", "")).outcome == "wrong"


def test_every_category_is_known_by_its_message() -> None:
    for name, category in load_rules().categories.items():
        said = category.message.format(emergency_number="112", practice_phone="020 7946 0000")
        assert name in categories_of(said)


def test_anything_but_an_alarm_is_fine_for_a_harmless_message() -> None:
    expected = Expectation(NO_ALARM)
    assert judged("harmless", expected, Reply("fallback", "")).outcome == "correct"
    verdict = judged("harmless", expected, answer("pain"), Reply("emergency", ""))
    assert (verdict.outcome, verdict.got_kind) == ("wrong", "emergency")
    assert holds(verdict) == {"false_alarm"}


LISTED = Expectation("condition", ("modified",), "modified")
UNLISTED = Expectation("condition", (), "unlisted")


def test_a_condition_is_told_its_own_list() -> None:
    assert judged("condition", LISTED, Reply("condition", "", ("modified",))).outcome == "correct"
    for sources in ((), ("contraindications",), ("contraindications", "modified")):
        verdict = judged("condition", LISTED, Reply("condition", "", sources, BUTTONS))
        assert verdict.outcome == "wrong"
        assert "cleared" not in holds(verdict), "health was spoken of"


def test_an_unlisted_condition_is_offered_to_the_therapist_and_named_on_no_list() -> None:
    assert judged("condition", UNLISTED, Reply("condition", "", (), BUTTONS)).outcome == "correct"
    assert judged("condition", UNLISTED, Reply("condition", "", ("modified",), BUTTONS)).outcome == "wrong"
    remark = judged("condition", UNLISTED, Reply("condition", ""))
    assert (remark.outcome, remark.got) == ("wrong", "condition without an offer")


def test_a_condition_that_a_reply_passes_over_is_cleared() -> None:
    assert "cleared" in holds(judged("condition", LISTED, answer("after_swimming")))
    assert "cleared" in holds(judged("condition", LISTED, Reply("smalltalk", "")))
    assert "cleared" not in holds(judged("condition", LISTED, answer("modified")))
    assert "cleared" not in holds(judged("condition", LISTED, Reply("fallback", "")))


def test_an_escalation_needs_its_case() -> None:
    expected = Expectation("escalation", detail="human")
    assert judged("escalation", expected, Reply("escalation", "", case="C-1")).outcome == "correct"
    assert judged("escalation", expected, Reply("escalation", "")).outcome == "wrong"
    assert judged("escalation", expected, Reply("clarify", "")).outcome == "silent"


def test_garbage_that_is_met_with_a_question_is_silence_and_with_an_answer_wrong() -> None:
    expected = Expectation("out_of_scope")
    assert judged("other", expected, Reply("out_of_scope", "")).outcome == "correct"
    assert judged("other", expected, Reply("fallback", "")).outcome == "silent"
    assert holds(judged("other", expected, answer("pain"))) == {"wrong", "wrong_passage"}


def test_a_follow_up_is_judged_by_the_kind_that_is_expected() -> None:
    assert judged("follow_up", SILENT_ON, Reply("not_in_handout", "")).outcome == "correct"
    assert judged("follow_up", BRUISING, Reply("not_in_handout", "")).outcome == "silent"
    assert judged("follow_up", LISTED, answer("pain")).marks["cleared"].hits == 1


SWIM, EAT = Expectation("answer", ("after_swimming",)), Expectation("answer", ("after_eat",))


@pytest.mark.parametrize(
    ("replies", "answered"),
    [
        ([answer("after_swimming"), answer("after_eat")], 2),
        ([answer("after_swimming", "after_eat")], 2),
        ([answer("after_swimming"), Reply("clarify", ""), answer("after_eat")], 2),
        ([answer("after_eat"), answer("after_swimming")], 1),
        ([answer("after_eat")], 1),
        ([Reply("clarify", "")], 0),
        ([], 0),
    ],
)
def test_the_parts_of_a_compound_count_in_their_order(replies: list[Reply], answered: int) -> None:
    assert parts_answered([SWIM, EAT], replies) == answered


def test_one_message_does_not_answer_two_parts_that_the_handout_leaves_open() -> None:
    price, parking = Expectation("not_in_handout"), Expectation("not_in_handout")
    assert parts_answered([price, parking], [Reply("not_in_handout", "")]) == 1


def test_a_compound_reports_all_parts_and_each_part() -> None:
    row = Row("compound", "compound-1", "dot", True, ("a",), (SWIM, EAT))
    verdict = judge(row, [answer("after_swimming"), answer("pain")])
    assert verdict.outcome == "wrong"
    assert (verdict.marks["parts"].hits, verdict.marks["parts"].of) == (1, 2)
    assert holds(verdict) == {"parts", "wrong_passage"}


def test_an_assistant_that_fails_gains_nothing_by_it() -> None:
    row = Row("harmless", "harmless-1", "dot", False, ("a",), (Expectation(NO_ALARM),))
    verdict = judge(row, (), failure="/chat/messages: HTTP 500")
    assert verdict.outcome == "failed"
    assert set(verdict.marks) == {"failed"}
    row = Row("single", "single-1", "dot", False, ("a",), (BRUISING,))
    assert judge(row, (), failure="x").marks["correct"].of == 1, "it still counts as not right"


def screened(expected: str, outcome: str | None, failure: str | None = None) -> Verdict:
    row = Row("screening", "screening-1", "dot", False, ("a",), (Expectation(expected, detail="lupus"),))
    return judge_screening(row, outcome, failure)


def test_only_eligible_clears() -> None:
    assert holds(screened(FLAG, "eligible")) == {"false_clear"}
    for outcome in ("modified", "review", "not_eligible", "urgent"):
        assert screened(FLAG, outcome).outcome == "correct"
        assert screened(HARMLESS, outcome).outcome == "wrong"
    assert holds(screened(HARMLESS, "eligible")) == {"coverage"}


def test_a_screen_without_a_decision_is_no_proof_of_safety() -> None:
    assert "false_clear" not in screened(FLAG, None, failure="no button").marks
