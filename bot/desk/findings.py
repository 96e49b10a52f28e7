"""Findings as the therapist reads them: what was said, and the rule behind it in words.

Reads the rules of the screen; it must not decide anything.
"""

from __future__ import annotations

from dataclasses import dataclass

from bot.desk.words import STATUSES, plain
from bot.screening import Rulebook
from bot.store.models import DecisionRecord, FindingRecord

# what a source means that is neither the handout's nor a limit of the practice
SOURCES = {
    "practice.unlisted": "The handout does not name it, so you decide.",
    "practice.medicine": "The handout does not name this medicine, so you decide.",
    "practice.procedure": "The handout does not name this procedure, so you decide.",
    "practice.alarming": "An alarming symptom ends the screen: the client was told to get medical help.",
    "practice.reading": "A measured figure was read against the limits of the rules.",
    "practice.unread": "These words could not be read safely, so they count as not sure.",
}
ORIGINS = {"answer": "Answer", "follow_up": "Answer", "text": "In their words"}
ANSWERS = {"yes": "Yes", "no": "No", "unsure": "Not sure"}
# what was said not to be so, or of somebody else, changes nothing
CHANGES_NOTHING = ("absent", "other_person", "hypothetical")


@dataclass(frozen=True)
class ExplainedFinding:
    """One finding in words.

    Attributes:
        asked: the question of the screen that was answered; empty for free words.
        rule: why it matters, from the rules' own texts.
        basis: where that is written: the passage or practice rule, and the rule's id.
        matters: whether it can have changed the outcome.
    """

    condition: str
    status: str
    asked: str
    said_as: str
    evidence: str
    rule: str
    basis: str
    matters: bool


def explained(decision: DecisionRecord, rulebook: Rulebook) -> list[ExplainedFinding]:
    """The findings of a decision, those that matter first."""
    found = [_explained(finding, rulebook) for finding in decision.findings]
    return sorted(found, key=lambda one: not one.matters)


def condition_name(condition: str, rulebook: Rulebook) -> str:
    """A condition in words: the rules' own where they have one."""
    items = {item.id: item.condition for item in rulebook.items}
    name = items.get(condition) or plain(condition)
    return name[0].upper() + name[1:]


def _explained(finding: FindingRecord, rulebook: Rulebook) -> ExplainedFinding:
    return ExplainedFinding(
        condition=condition_name(finding.condition, rulebook),
        status=STATUSES.get(finding.status, plain(finding.status)),
        asked=_asked(finding, rulebook),
        said_as=ORIGINS.get(finding.origin, plain(finding.origin)),
        evidence=_evidence(finding, rulebook),
        rule=_rule(finding, rulebook),
        basis=_basis(finding),
        matters=finding.status not in CHANGES_NOTHING,
    )


def _asked(finding: FindingRecord, rulebook: Rulebook) -> str:
    if finding.origin == "text":
        return ""
    for item in rulebook.items:
        if item.id != finding.condition:
            continue
        if finding.origin == "follow_up":
            asked = next((one for one in item.follow_ups if one.id == finding.rule), None)
            return asked.question if asked else ""
        return item.question
    return ""


def _evidence(finding: FindingRecord, rulebook: Rulebook) -> str:
    if finding.origin == "answer":
        return ANSWERS.get(finding.evidence, finding.evidence)
    if finding.origin == "follow_up":
        for item in rulebook.items:
            for asked in item.follow_ups:
                option = asked.option(finding.evidence) if asked.id == finding.rule else None
                if option is not None:
                    return option.title
    return finding.evidence


def _rule(finding: FindingRecord, rulebook: Rulebook) -> str:
    for setting in rulebook.settings.values():
        if setting.source == finding.source:
            return setting.text
    for item in rulebook.items:
        if item.id == finding.condition and item.source == finding.source:
            return item.why
    if finding.source in SOURCES:
        return SOURCES[finding.source]
    listed = {"contraindications": "reasons not to treat", "modified": "cases for a possible gentler version"}
    return f"It is on the handout's list of {listed[finding.source]}." if finding.source in listed else ""


def _basis(finding: FindingRecord) -> str:
    where = "Practice rule" if finding.source.startswith("practice.") else "Handout"
    return f"{where}: {finding.source}" + (f" · rule {finding.rule}" if finding.rule else "")
