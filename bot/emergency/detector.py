"""Both readers together: what `bot.emergency` offers to the channels.

Terms that are clear decide alone. Otherwise the head decides, against a threshold that
depends on what the terms say: lower when they suspect something, higher when they read the
alarm as denied, past, hypothetical or a figure of speech.
"""

from __future__ import annotations

from pathlib import Path

from bot.emergency.errors import EmergencyError
from bot.emergency.lexical import Emergency, LexicalReader, Reading
from bot.emergency.rules import Rules, load_rules
from bot.emergency.semantic import SemanticReader
from bot.encoder import Encoder

DEFAULT_HEAD = Path(__file__).resolve().parents[2] / "models" / "emergency.npz"


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
            head: what `train` wrote; models/emergency.npz by default.
            encoder: the process's encoder; loaded if not given.
            lexical_only: do without the head, knowingly: weak terms then never alarm.

        Raises:
            EmergencyError: the rules are faulty, or the head is missing or does not fit them.
        """
        loaded = load_rules(rules)
        lexical = LexicalReader(loaded)
        if lexical_only:
            return cls(loaded, lexical, None)
        path = head or DEFAULT_HEAD
        if not path.exists():
            raise EmergencyError(
                f"{path}: the emergency head is missing, and the assistant does not start without it: run `make train`"
            )
        return cls(loaded, lexical, SemanticReader.load(path, lexical, encoder or Encoder.load()))

    @property
    def rules_version(self) -> str:
        """The version of the rules in force."""
        return self._rules.version

    def check(self, text: str) -> Emergency | None:
        """Return the emergency that the message describes, or None; any text is accepted."""
        reading = self._lexical.read(text)
        alarm = reading.alarm
        if alarm is not None and alarm.strength == "strong":
            return Emergency(alarm.category, alarm.evidence, "lexical", 1.0, self._message(alarm.category))
        if self._semantic is None or not text.strip():
            return None
        score = self._semantic.score(text)
        if score.probability < self._threshold(reading):
            return None
        return Emergency(score.category, score.evidence, "semantic", score.probability, self._message(score.category))

    def of(self, category: str, evidence: str) -> Emergency:
        """The emergency of a category that somebody else read; an unknown one counts as `other_urgent`."""
        known = category if category in self._rules.categories else "other_urgent"
        return Emergency(known, evidence, "semantic", 1.0, self._message(known))

    def _threshold(self, reading: Reading) -> float:
        thresholds = self._rules.thresholds
        if reading.alarm is not None:
            return thresholds.with_weak
        return thresholds.against if reading.explained_away else thresholds.alone

    def _message(self, category: str) -> str:
        return self._rules.categories[category].message
