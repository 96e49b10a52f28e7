"""Properties of the decision and of reading that hold for whatever hypothesis thinks of."""

from __future__ import annotations

import json
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.screening.decision import AnswerError, decide
from bot.screening.model import LISTINGS, SEVERITY, STATUSES, Finding, Outcome
from bot.screening.reader import Reader
from bot.screening.rulebook import LINK_IDS, default_rulebook
from tests.unit.screening.conftest import NOW, TODAY

RULES = default_rulebook()
GOLDEN = Path(__file__).parent / f"golden_{RULES.version}.json"

findings = st.builds(
    Finding,
    condition=st.sampled_from((*LINK_IDS[:-1], "pregnancy", "unclear")),
    status=st.sampled_from(STATUSES),
    origin=st.just("text"),
    evidence=st.just("words"),
    source=st.just("practice.unlisted"),
    listing=st.sampled_from(LISTINGS),
    settled=st.booleans(),
    rule=st.just("group"),
)
full = st.fixed_dictionaries({link_id: st.sampled_from(("yes", "no", "unsure")) for link_id in LINK_IDS})
partial = st.dictionaries(st.sampled_from(LINK_IDS), st.sampled_from(("yes", "no", "unsure")))


def rank(outcome: Outcome) -> int:
    return SEVERITY.index(outcome)


@given(full, st.lists(findings, max_size=4), findings)
def test_adding_a_finding_never_improves_an_outcome(
    answers: dict[str, str], some: list[Finding], more: Finding
) -> None:
    before = decide(RULES, answers, {}, some, NOW).outcome
    after = decide(RULES, answers, {}, [*some, more], NOW).outcome
    assert rank(after) >= rank(before)


@given(full, st.lists(findings, max_size=4))
def test_not_sure_is_never_eligible(answers: dict[str, str], some: list[Finding]) -> None:
    outcome = decide(RULES, answers, {}, some, NOW).outcome
    if "unsure" in answers.values() or any(f.status == "unsure" and f.counts for f in some):
        assert outcome != "eligible"


@given(partial, st.lists(findings, max_size=3))
def test_only_an_explicit_no_to_everything_is_eligible(answers: dict[str, str], some: list[Finding]) -> None:
    if decide(RULES, answers, {}, some, NOW).outcome == "eligible":
        assert all(answers.get(link_id) == "no" for link_id in LINK_IDS)
        assert not any(f.counts for f in some)


@given(partial)
def test_a_missing_answer_is_listed_and_never_counts_as_no(answers: dict[str, str]) -> None:
    decision = decide(RULES, answers, {}, [], NOW)
    assert set(decision.unanswered) == set(LINK_IDS) - set(answers)
    if decision.unanswered:
        assert decision.outcome in ("incomplete", "not_eligible", "urgent")


@given(st.text(min_size=1).filter(lambda t: t not in ("yes", "no", "unsure")))
def test_an_unknown_value_is_refused(value: str) -> None:
    with pytest.raises(AnswerError, match="allowed are"):
        decide(RULES, {"cancer": value}, {}, [], NOW)


@given(full, st.lists(findings, max_size=4), st.randoms())
def test_the_order_of_findings_changes_nothing(answers: dict[str, str], some: list[Finding], random: object) -> None:
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert decide(RULES, answers, {}, some, NOW).outcome == decide(RULES, answers, {}, shuffled, NOW).outcome


SENTENCES = [
    "I take warfarin",
    "my dad has kidney disease",
    "no varicose veins",
    "not sure if I have diabetes",
    "stitches when I was six",
    "two lines on sunday",
    "I like firm pressure",
    "118/76 at my check up",
]
POLITE = ["Thanks so much.", "Good morning.", "Hello there.", "See you on Friday.", "Kind regards."]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(
    sentence=st.sampled_from(SENTENCES),
    polite=st.sampled_from(POLITE),
    before=st.booleans(),
    shape=st.sampled_from([str, str.lower, str.capitalize]),
    end=st.sampled_from(["", ".", "!", " ."]),
)
def test_case_final_stops_and_polite_sentences_change_nothing(
    reader: Reader, sentence: str, polite: str, before: bool, shape: type[str], end: str
) -> None:
    plain = reader.read(sentence, TODAY)
    body = shape(sentence) + end
    dressed = f"{polite} {body}" if before else f"{sentence}. {polite}"
    assert reader.read(dressed, TODAY).harmless == plain.harmless


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60, deadline=None)
@given(first=st.sampled_from(SENTENCES), second=st.sampled_from(SENTENCES))
def test_the_order_of_sentences_changes_nothing(reader: Reader, first: str, second: str) -> None:
    there, back = reader.read(f"{first}. {second}.", TODAY), reader.read(f"{second}. {first}.", TODAY)
    assert there.harmless == back.harmless


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=100, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_can_be_read_without_an_error(reader: Reader, text: str) -> None:
    assert reader.read(text, TODAY) == reader.read(text, TODAY)


def _golden_cases() -> list[dict[str, object]]:
    out: list[dict[str, object]] = []
    base = dict.fromkeys(LINK_IDS, "no")
    out.append({"answers": base, "follow_ups": {}})
    for item in RULES.items:
        for value in ("yes", "unsure"):
            out.append({"answers": {**base, item.id: value}, "follow_ups": {}})
        for follow_up in item.follow_ups:
            for option in follow_up.options:
                out.append({"answers": {**base, item.id: "yes"}, "follow_ups": {follow_up.id: option.value}})
    return out


def test_the_same_rules_version_decides_the_same_for_ever() -> None:
    """A change of outcome needs a new version of the rules, and with it a new golden file."""
    now = [
        {
            **case,
            "outcome": (d := decide(RULES, case["answers"], case["follow_ups"], [], NOW)).outcome,
            "rules": list(d.rules_fired),
        }  # type: ignore[arg-type]
        for case in _golden_cases()
    ]
    assert GOLDEN.exists(), f"no golden file for rules version {RULES.version}"
    assert json.loads(GOLDEN.read_text(encoding="utf-8")) == now


def test_outcomes_and_their_order_are_complete() -> None:
    assert set(SEVERITY) | {"incomplete"} == set(get_args(Outcome))
