"""From a client's free words to findings.

Two readers look at a text. The lexical one finds conditions and medicines by vocabulary
and reads the status of each mention. The second (optional, trained) gives every stretch a
probability that a careful therapist would want to see it. A text is harmless only when
both say so: every mention is denied, over, or somebody else's, and what is left is
positively recognised as harmless. Words that only suggest something ("clinic", "burn") give
way where the second reader is surer than usual that nothing is told; the conditions of the
handout, medicines and readings never do. Pure: no rasa, no web, no database.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bot.screening.context import ContextReader
from bot.screening.model import Finding
from bot.screening.normalise import Canonical, canonical, clean, readable
from bot.screening.readings import find_readings
from bot.screening.vocabulary import NO_CLASS, Mention, Vocabulary, default_vocabulary

LONGEST_TEXT = 4_000
"""Characters of free text that the contract allows in one check."""

WHOLLY_EXPLAINED = 0.3
"""From this probability on, even a text goes to the therapist of which the vocabulary has
explained every clause."""

SUGGESTION = 0.05
"""Below this probability, words of the vocabulary that only suggest something give way."""

VAGUE = frozenset({"unclear", "unspecified", "medicine", "procedure", "awaiting_results"})
"""Conditions that name nothing: enough to send a screen to the therapist, too little to
answer a chat message with."""


class DisclosureDetector(Protocol):
    """A second opinion on stretches of text."""

    threshold: float
    """From this probability on, a stretch goes to the therapist."""

    def scores(self, texts: Sequence[str]) -> Sequence[float] | NDArray[np.float32]:
        """Probability (0 to 1), for each text, that a careful therapist would want to see it."""
        ...


class Alarm(Protocol):
    """What an `AlarmDetector` finds."""

    @property
    def layer(self) -> str:
        """``lexical`` where terms name it, ``semantic`` where it is only likely."""
        ...


class AlarmDetector(Protocol):
    """Anything that recognises alarming symptoms, the emergency layer for one."""

    def check(self, text: str) -> Alarm | None:
        """The alarm when ``text`` tells of an emergency."""
        ...


@dataclass(frozen=True, slots=True)
class TextReading:
    """All findings of one text, in reading order, and whether it could be read at all."""

    findings: tuple[Finding, ...]
    readable: bool

    @property
    def harmless(self) -> bool:
        """Readable, and nothing in it counts."""
        return self.readable and not any(finding.counts for finding in self.findings)


class Reader:
    """Reads free text; one instance may be shared, it keeps no state between texts."""

    def __init__(
        self,
        vocabulary: Vocabulary | None = None,
        detector: DisclosureDetector | None = None,
        alarm: AlarmDetector | None = None,
        context: ContextReader | None = None,
    ) -> None:
        self.vocabulary = vocabulary or default_vocabulary()
        self.detector = detector
        self.alarm = alarm
        self._context = context or ContextReader()

    @classmethod
    def load(cls, directory: Path | None = None, detector: DisclosureDetector | None = None) -> Reader:
        """A reader over the vocabulary in ``directory`` (default: the one that ships)."""
        vocabulary = default_vocabulary() if directory is None else Vocabulary.load(directory)
        return cls(vocabulary, detector)

    def vocabulary_only(self) -> Reader:
        """This reader without its second reader and the emergency layer, for callers who want named conditions."""
        return Reader(self.vocabulary, context=self._context)

    def read(self, text: str, today: date, *, alone: bool = True) -> TextReading:
        """Findings of ``text``; ``today`` is the day that "last week" is counted from.

        ``alone`` is False where the words answer a question about one condition: they then
        mean more than they say by themselves, and nothing gives way.
        """
        cleaned = clean(text).strip()
        if not cleaned:
            return TextReading((), True)
        if len(cleaned) > LONGEST_TEXT:
            return TextReading((_unread(cleaned[:80]),), False)
        findings, suggested = self._alarms(cleaned)
        if not readable(text):
            findings.append(_unread(cleaned))
            return TextReading(tuple(findings), False)
        original = canonical(cleaned)
        if not original.tokens:
            findings.append(_unread(cleaned))
            return TextReading(tuple(findings), False)
        text_corrected = self.vocabulary.corrected(original)
        mentions = self.vocabulary.find(text_corrected, original)
        readings = find_readings(text_corrected)
        mentions = [m for m in mentions if not any(r.covers(m) or r.names(m) for r in readings)]
        all_mentions = mentions + [r.mention for r in readings]
        statuses = self._context.read(text_corrected, all_mentions, today)
        for mention, reading in zip(all_mentions, statuses, strict=True):
            finding = Finding(
                condition=mention.group.condition,
                status=reading.status,
                origin="text",
                evidence=text_corrected.evidence(mention.start, mention.end),
                source=mention.group.source,
                listing=mention.group.listing,
                settled=reading.settled,
                rule=mention.group.id,
            )
            findings.append(finding)
            if mention in mentions and _only_suggests(mention):
                suggested.add(finding)
        # the same words may both suggest and name: then they name
        named = {_echo(finding) for finding in findings if finding not in suggested}
        suggested = {finding for finding in suggested if _echo(finding) not in named}
        findings = _without_echoes(findings)
        counting = [finding for finding in findings if finding.counts]
        if not counting:
            findings.extend(self._second_opinion(cleaned, text_corrected, all_mentions, findings))
        elif alone and suggested.issuperset(counting):
            findings = self._given_way(cleaned, findings)
        return TextReading(tuple(findings), True)

    def _alarms(self, text: str) -> tuple[list[Finding], set[Finding]]:
        """The alarm of a text, if any, and the same where it is only likely."""
        alarm = self.alarm.check(text) if self.alarm is not None else None
        if alarm is None:
            return [], set()
        found = Finding(
            "alarming_symptom", "present", "text", text, "practice.alarming", "urgent", rule="emergency_layer"
        )
        return [found], {found} if alarm.layer == "semantic" else set()

    def _given_way(self, text: str, findings: list[Finding]) -> list[Finding]:
        """``findings``, of which all that count are suggestions, as the second reader lets them stand.

        What gives way is kept as irrelevant, so that the therapist sees what was read.
        """
        if self.detector is None:
            return findings
        if max(self.detector.scores([text, *windows(text)])) >= min(SUGGESTION, self.detector.threshold):
            return findings
        return [
            replace(finding, listing="irrelevant", rule=f"{finding.rule}, second_reader") if finding.counts else finding
            for finding in findings
            if finding.rule != "emergency_layer"
        ]

    def _second_opinion(
        self, text: str, words: Canonical, mentions: Sequence[Mention], explained: Sequence[Finding]
    ) -> list[Finding]:
        """What the detector sees where the lexical reader saw nothing that counts.

        Where every clause held a mention that has been explained, doubt has to be greater:
        the reader may have taken the wrong person or a doubled denial. The whole text is scored, because a clause out of its context misleads; a
        long one also in windows, so that one line cannot hide in many. What has been
        explained makes a text sound of health without a reason, and raises the threshold.
        """
        if self.detector is None:
            return []
        stretches = [text, *windows(text)]
        threshold = raised(self.detector.threshold, explained)
        if mentions and len(remainder(words, mentions).split()) <= 1:
            threshold = max(threshold, WHOLLY_EXPLAINED)
        for stretch, score in zip(stretches, self.detector.scores(stretches), strict=True):
            if score >= threshold:
                return [_unread(stretch, rule="second_reader")]
        return []


def _only_suggests(mention: Mention) -> bool:
    """Whether a mention names neither a condition of the handout nor a medicine."""
    return mention.group.listing == "other" and mention.group.atc == NO_CLASS


_DENIAL_CREDIT = 0.5
_SETTLED_CREDIT = 1.0
_MOST_DENIALS = 3


def raised(threshold: float, explained: Sequence[Finding]) -> float:
    """The threshold for a text in which ``explained`` was read as changing nothing.

    In log odds: half a unit for each denial (three at most), one where something plainly
    irrelevant or long over was named. Somebody else's illness earns nothing: whoever tells
    of one may well go on to their own. Fitted on texts apart from the vocabulary, and halved.
    """
    kinds = ["irrelevant" if f.listing == "irrelevant" else f.status for f in explained]
    denials = min(_MOST_DENIALS, sum(kind in ("absent", "hypothetical") for kind in kinds))
    credit = denials * _DENIAL_CREDIT
    credit += _SETTLED_CREDIT * len({"irrelevant", "past"} & set(kinds))
    odds = threshold / (1 - threshold) * math.exp(credit)
    return odds / (1 + odds)


_CLAUSE_ENDS = frozenset(". ! ? ; , : ( ) -".split())
_CLAUSE_WORDS = frozenset("but and so because although though however which whereas yet except".split())


def remainder(text: Canonical, mentions: Sequence[Mention]) -> str:
    """What is left of a text without the clauses whose mentions have been explained.

    "my twin's on warfarin, I'm on the other one" leaves "I'm on the other one": the part
    which the second reader has to judge on its own.
    """
    clauses: list[tuple[int, int]] = []
    start = 0
    for index, token in enumerate(text.tokens):
        if token.word in _CLAUSE_ENDS:
            clauses.append((start, index))
            start = index + 1
        elif token.word in _CLAUSE_WORDS and index > start:
            clauses.append((start, index))
            start = index
    clauses.append((start, len(text.tokens)))
    kept = [
        text.evidence(first, last)
        for first, last in clauses
        if last > first and not any(m.start < last and first < m.end for m in mentions)
    ]
    return ", ".join(kept)


_WINDOW = 4
_BREAK = re.compile(r"(?<=[.!?\n])\s+")


def sentences(text: str) -> list[tuple[int, int]]:
    """Offsets of the sentences of ``text``."""
    out: list[tuple[int, int]] = []
    start = 0
    for match in _BREAK.finditer(text):
        out.append((start, match.start()))
        start = match.end()
    if start < len(text):
        out.append((start, len(text)))
    return out


def windows(text: str) -> list[str]:
    """Runs of sentences of a long text (more than five), half overlapping."""
    parts = sentences(text)
    if len(parts) <= _WINDOW + 1:
        return []
    steps = range(0, len(parts) - _WINDOW // 2, _WINDOW // 2)
    return [text[parts[i][0] : parts[min(i + _WINDOW, len(parts)) - 1][1]] for i in steps]


def _without_echoes(findings: Sequence[Finding]) -> list[Finding]:
    """Drop vague words around a plainly read thing ("no blood pressure tablets")."""
    seen: set[tuple[str, str, str]] = set()
    out: list[Finding] = []
    for finding in findings:
        key = _echo(finding)
        if key not in seen:
            seen.add(key)
            out.append(finding)
    return out


def _echo(finding: Finding) -> tuple[str, str, str]:
    """What two findings have in common of which one says nothing that the other does not."""
    return finding.condition, finding.status, finding.evidence.lower()


def _unread(evidence: str, rule: str = "unreadable") -> Finding:
    return Finding("unclear", "unsure", "text", evidence, "practice.unread", "other", rule=rule)
