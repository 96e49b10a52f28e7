"""What is known of a check: its submissions heard one by one and put together.

Words are heard by the very interview that runs in chat, so that chat and API
cannot read them differently. Later answers replace earlier ones, as a
correction in chat does; what was said in words stays said. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from bot.eligibility.submission import Refusals, Submission
from bot.screening import Decision, Finding, Rulebook, decide
from bot.screening.interview import Interview
from bot.screening.model import SEVERITY, VALUES
from bot.screening.normalise import clean
from bot.screening.reader import Reader
from bot.screening.rulebook import Item

_MILDER = ("no", "unsure", "yes")
_WORDS = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """One submission as it counts: what it answers, and what its words tell."""

    answers: Mapping[str, str]
    follow_ups: Mapping[str, str]
    findings: tuple[Finding, ...]


@dataclass(slots=True)
class Facts:
    """Everything known so far."""

    answers: dict[str, str] = field(default_factory=dict)
    follow_ups: dict[str, str] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @classmethod
    def of(cls, entries: Iterable[Entry], rulebook: Rulebook) -> Facts:
        """Put entries together, oldest first."""
        facts = cls()
        for entry in entries:
            facts.take(entry, rulebook)
        return facts

    def take(self, entry: Entry, rulebook: Rulebook) -> None:
        """Add one entry."""
        for link_id, value in entry.answers.items():
            if value != "yes":
                for follow_up in rulebook.item(link_id).follow_ups:
                    self.follow_ups.pop(follow_up.id, None)
            self.answers[link_id] = value
        self.follow_ups.update(entry.follow_ups)
        self.findings.extend(finding for finding in entry.findings if finding not in self.findings)

    def decide(self, rulebook: Rulebook, now: datetime) -> Decision:
        """The engine's decision on these facts."""
        return decide(rulebook, self.answers, self.follow_ups, self.findings, now)


def hear(submission: Submission, rulebook: Rulebook, reader: Reader, now: datetime) -> Entry:
    """Read the words of a submission.

    Words answer the open question ``other`` unless it is answered beside them. In chat a
    question of the client's own is answered and ``other`` asked again; a form has nobody to
    ask, so words in which both readers find nothing answer it with "nothing else".
    """
    answers = dict(submission.answers)
    follow_ups: dict[str, str] = {}
    findings: list[Finding] = []
    for link_id, value in submission.follow_ups.items():
        item, _ = rulebook.follow_up(link_id)
        interview = Interview(rulebook, reader, state="follow_up", position=link_id, answers={item.id: "yes"})
        interview.answer(value, now)
        follow_ups[link_id] = interview.follow_ups[link_id]
        findings.extend(interview.findings.get(link_id, ()))
    if submission.text is not None:
        answer, found = _words(submission.text, _WORDS in answers, rulebook, reader, now)
        findings.extend(found)
        if answer is not None:
            answers[_WORDS] = answer
    return Entry(answers, follow_ups, tuple(findings))


def _words(
    text: str, answered: bool, rulebook: Rulebook, reader: Reader, now: datetime
) -> tuple[str | None, Sequence[Finding]]:
    """What words answer to ``other``, if anything, and what they tell."""
    if answered:
        return None, reader.read(text, now.date()).findings
    plain = text.strip().lower()
    if plain in VALUES:
        return plain, ()
    interview = Interview(rulebook, reader, state="question", position=_WORDS)
    interview.answer(text, now)
    value = interview.answers.get(_WORDS)
    if value is not None:
        return value, interview.findings.get(_WORDS, ())
    reading = reader.read(text, now.date())
    # invisible characters alone are no answer
    said = reading.harmless and bool(clean(text).strip())
    return "no" if said else None, reading.findings


def add(facts: Facts, submission: Submission, heard: Entry, rulebook: Rulebook, told: bool) -> Entry:
    """What a heard submission adds to earlier facts; ``facts`` itself is left as it is.

    Args:
        told: an outcome was told before. Taking back an answer then is not a slip any
            more: the earlier answer stays as a doubt, and the therapist looks at it.

    Raises:
        InvalidSubmission: a follow-up answers a question that was not answered "yes".
    """
    answers = dict(heard.answers)
    if _WORDS in facts.answers and _WORDS not in submission.answers:
        # words that were added later do not take the earlier answer back
        answers.pop(_WORDS, None)
    refusals = Refusals()
    for link_id in heard.follow_ups:
        item, _ = rulebook.follow_up(link_id)
        if answers.get(item.id, facts.answers.get(item.id)) != "yes":
            refusals.add(
                f"answers.{link_id}",
                f"'{link_id}' follows a 'yes' to '{item.id}'. Send that answer too, or leave it out.",
            )
    refusals.check()
    doubts = _taken_back(facts, answers, heard.follow_ups, rulebook) if told else []
    return Entry(answers, heard.follow_ups, (*heard.findings, *doubts))


def _taken_back(
    facts: Facts, answers: Mapping[str, str], follow_ups: Mapping[str, str], rulebook: Rulebook
) -> list[Finding]:
    doubts = []
    for link_id, value in answers.items():
        before = facts.answers.get(link_id)
        if before in _MILDER and value in _MILDER and _MILDER.index(value) < _MILDER.index(before):
            doubts.append(_doubt(rulebook.item(link_id), f"{before}, later {value}", "answer_taken_back"))
    for link_id, value in follow_ups.items():
        item, follow_up = rulebook.follow_up(link_id)
        earlier = follow_up.option(facts.follow_ups.get(link_id, ""))
        later = follow_up.option(value)
        if earlier and later and SEVERITY.index(later.outcome) < SEVERITY.index(earlier.outcome):
            doubts.append(_doubt(item, f"{earlier.value}, later {value}", "answer_taken_back"))
    return doubts


def _doubt(item: Item, evidence: str, rule: str) -> Finding:
    return Finding(item.id, "unsure", "answer", evidence, item.source, item.listing, rule=rule)
