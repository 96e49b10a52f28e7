"""From answers and findings to an outcome. The one place where that is decided.

Pure and deterministic: same rules version, answers, findings and time give the same
decision for ever. Worst wins; nothing but an explicit "no" to every question, with no
finding that counts, is eligible (controlled blood pressure excepted, with a note).
Knows nothing of how words were read or who asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.screening.model import SEVERITY, Decision, Finding, Outcome, Status
from bot.screening.rulebook import FollowUp, Item, Rulebook

TEXT_ANSWER = "text"
"""Value of ``other`` when the client wrote words; what they say is in the findings."""

_OF_LISTING: dict[str, Outcome] = {
    "contraindication": "not_eligible",
    "modified": "modified",
    "other": "review",
    "urgent": "urgent",
}


class AnswerError(ValueError):
    """An answer that the questionnaire does not know: field, value and what is allowed."""

    def __init__(self, link_id: str, problem: str) -> None:
        self.link_id = link_id
        super().__init__(problem)


@dataclass(slots=True)
class _Verdict:
    outcomes: list[Outcome] = field(default_factory=list)
    rules: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, outcome: Outcome, rule: str) -> None:
        self.outcomes.append(outcome)
        if rule not in self.rules:
            self.rules.append(rule)


def worst(outcomes: Sequence[Outcome]) -> Outcome:
    """The worst of ``outcomes``; eligible when there is none."""
    return max(outcomes, key=SEVERITY.index, default="eligible")


def decide(
    rulebook: Rulebook,
    answers: Mapping[str, str],
    follow_ups: Mapping[str, str],
    findings: Sequence[Finding],
    now: datetime,
) -> Decision:
    """The decision for what is known so far.

    Args:
        answers: linkId to ``yes``, ``no`` or ``unsure``; for ``other`` also ``text``.
        follow_ups: follow-up id to an option's value, or to free text. A "yes" without
            its follow-up counts as the item says, which is never better than with it
            for a contraindication.
        findings: what the reader found in the client's words.
        now: the time of the decision, with a time zone.

    Raises:
        AnswerError: unknown linkId, follow-up or value.
    """
    _check(rulebook, answers, follow_ups)
    verdict = _Verdict()
    for item in rulebook.items:
        value = answers.get(item.id)
        if value in ("yes", "unsure", "no"):
            _answered(verdict, item, value, follow_ups)
    for finding in findings:
        _found(verdict, rulebook, finding, answers)
    unanswered = tuple(item.id for item in rulebook.items if item.id not in answers)
    outcome = worst(verdict.outcomes)
    if unanswered and outcome not in ("not_eligible", "urgent"):
        outcome = "incomplete"
    if outcome == "eligible":
        verdict.rules.append("all_no")
    valid = None
    if outcome not in ("incomplete", "urgent"):
        valid = now + timedelta(days=rulebook.validity_days)
    return Decision(
        outcome=outcome,
        findings=tuple(verdict.findings),
        unanswered=unanswered,
        rules_fired=tuple(verdict.rules),
        rules_version=rulebook.version,
        decided_at=now,
        valid_until=valid,
        message=rulebook.message(outcome),
        notes=tuple(verdict.notes),
    )


def _check(rulebook: Rulebook, answers: Mapping[str, str], follow_ups: Mapping[str, str]) -> None:
    known = [item.id for item in rulebook.items]
    for link_id, value in answers.items():
        if link_id not in known:
            raise AnswerError(link_id, f"'{link_id}' is not a question; allowed are {', '.join(known)}.")
        allowed = ("yes", "no", "unsure", TEXT_ANSWER) if link_id == "other" else ("yes", "no", "unsure")
        if value not in allowed:
            raise AnswerError(link_id, f"'{link_id}' cannot be answered so; allowed are {', '.join(allowed)}.")
    for follow_up_id, value in follow_ups.items():
        try:
            _, follow_up = rulebook.follow_up(follow_up_id)
        except KeyError:
            raise AnswerError(follow_up_id, f"'{follow_up_id}' is not a follow-up question.") from None
        if follow_up.kind == "choice" and follow_up.option(value) is None:
            allowed_values = ", ".join(option.value for option in follow_up.options)
            raise AnswerError(follow_up_id, f"'{follow_up_id}' cannot be answered so; allowed are {allowed_values}.")


def _answered(verdict: _Verdict, item: Item, value: str, follow_ups: Mapping[str, str]) -> None:
    if value == "no":
        verdict.findings.append(_finding(item, "absent", value))
        return
    if value == "unsure":
        verdict.findings.append(_finding(item, "unsure", value))
        verdict.add("review", f"{item.id}.unsure")
        return
    verdict.findings.append(_finding(item, "present", value))
    chosen: list[Outcome] = []
    for follow_up in item.follow_ups:
        answer = follow_ups.get(follow_up.id)
        if answer is not None:
            chosen.extend(_followed(verdict, item, follow_up, answer))
    # Without any choice the plain "yes" counts; a choice can soften or sharpen it.
    if not chosen:
        verdict.add(item.on_yes, f"{item.id}.yes")
    for outcome in chosen:
        verdict.add(outcome, f"{item.id}.yes")


def _followed(verdict: _Verdict, item: Item, follow_up: FollowUp, answer: str) -> list[Outcome]:
    verdict.findings.append(
        Finding(
            condition=item.id,
            status="unsure" if answer == "unsure" else "present",
            origin="follow_up",
            evidence=answer,
            source=item.source,
            listing=item.listing,
            rule=follow_up.id,
        )
    )
    option = follow_up.option(answer)
    if option is None:
        return []
    if option.note != "-":
        verdict.notes.append(option.note)
    verdict.rules.append(f"{follow_up.id}.{option.value}")
    return [option.outcome]


def _found(verdict: _Verdict, rulebook: Rulebook, finding: Finding, answers: Mapping[str, str]) -> None:
    verdict.findings.append(finding)
    answer = answers.get(finding.condition)
    if not finding.counts:
        # "yes" to the question and "I have none" in words: somebody has to ask.
        if answer == "yes" and finding.status == "absent":
            verdict.add("review", "contradiction")
        return
    if finding.status == "present":
        outcome = _OF_LISTING[finding.listing]
        # High blood pressure in passing says nothing about control: that is the therapist's question.
        if finding.condition == "uncontrolled_hypertension" and not finding.rule.startswith("reading_"):
            outcome = "review"
    else:
        outcome = "urgent" if finding.listing == "urgent" else "review"
    named_again = finding.status == "present" and not finding.rule.startswith("reading_")
    if finding.condition == "uncontrolled_hypertension" and answer == "yes" and named_again:
        # The question about control was asked, and its answer has already been weighed.
        return
    verdict.add(outcome, finding.rule or finding.condition)
    if answer == "no":
        verdict.add("review", "contradiction")


def _finding(item: Item, status: Status, value: str) -> Finding:
    return Finding(
        condition=item.id,
        status=status,
        origin="answer",
        evidence=value,
        source=item.source,
        listing=item.listing,
        rule=f"{item.id}.{value}",
    )
