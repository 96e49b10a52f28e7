"""Both readers together: what `bot.emergency` offers to the channels.

Terms that are clear decide alone: the head knows too little of typos, shorthand and other
languages to overrule them. Otherwise its probability is held against a threshold that depends
on what the terms say: low where they suspect something, higher where they find nothing, or an
alarm that is denied, past, hypothetical or a figure of speech. Knows no channel and no case.
"""

from __future__ import annotations

from pathlib import Path

from bot.emergency.errors import EmergencyError
from bot.emergency.lexical import Emergency, Layer, LexicalReader
from bot.emergency.rules import Rules, load_rules
from bot.emergency.semantic import SemanticReader
from bot.encoder import Encoder


class EmergencyDetector:
    """Says whether a message describes an emergency. Safe to share between threads."""

    def __init__(self, rules: Rules, lexical: LexicalReader, semantic: SemanticReader | None) -> None:
        self._rules = rules
        self._lexical = lexical
        self._semantic = semantic

    @classmethod
    def load(
        cls,
        rules: Path | None = None,
        head: Path | None = None,
        encoder: Encoder | None = None,
        *,
        lexical_only: bool = False,
    ) -> EmergencyDetector:
        """Load both readers.

        Args:
            rules: the rules file; the package's own by default.
            head: what `train` wrote; needed unless `lexical_only`.
            encoder: the process's encoder; loaded if not given.
            lexical_only: do without the head, knowingly: weak terms then never alarm.

        Raises:
            EmergencyError: the rules are faulty, or the head is missing or does not fit them.
        """
        loaded = load_rules(rules)
        lexical = LexicalReader(loaded)
        if lexical_only:
            return cls(loaded, lexical, None)
        if head is None or not head.exists():
            raise EmergencyError(
                f"{head}: the emergency head is missing, and the assistant does not start without it: run `make train`"
            )
        return cls(loaded, lexical, SemanticReader.load(head, lexical, encoder or Encoder.load()))

    @property
    def rules_version(self) -> str:
        """The version of the rules in force."""
        return self._rules.version

    def check(self, text: str) -> Emergency | None:
        """Return the emergency that the message describes, or None; any text is accepted."""
        reading = self._lexical.read(text)
        alarm = reading.alarm
        if alarm is not None and alarm.strength == "strong":
            return self._alarm(alarm.category, alarm.evidence, "lexical", 1.0)
        if self._semantic is None or not text.strip():
            return None
        score = self._semantic.score(text)
        probability = score.beside(reading.says)
        if probability < self._rules.thresholds.needed(reading.says):
            return None
        return self._alarm(score.category, score.evidence, "semantic", probability)

    def texts_of(self, text: str) -> list[str]:
        """What `check` may have encoded of a message, for whoever has it encoded before."""
        return [] if self._semantic is None else self._semantic.texts_of(text)

    def of(self, category: str, evidence: str) -> Emergency:
        """The emergency of a category that somebody else read; an unknown one counts as `other_urgent`."""
        known = category if category in self._rules.categories else "other_urgent"
        return self._alarm(known, evidence, "semantic", 1.0)

    def _alarm(self, category: str, evidence: str, layer: Layer, score: float) -> Emergency:
        return Emergency(category, evidence, layer, score, self._rules.categories[category].message)
