"""Weighs a reading with what the words name and with what was said before.

The language model reads each message alone, and by its sense. Two things that it cannot
know speak for or against a reading: a thing of the handout that the words name ("the
sauna"), and the passage that was talked about last ("and the steam room?"). Each
multiplies the probability of the keys that it speaks for. This module must not know
texts, screens or storage.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Dict, Final, List, Optional

from bot.dialogue.memory import Memory
from bot.dialogue.message import Part
from bot.handout import PASSAGES, Handout
from bot.nlu.thresholds import ANSWER

#: What is never weighed away: whoever tells of their health, an alarm or trouble is heard.
_FINAL: Final = frozenset({"condition", "emergency", "after_effect"})
#: What asks something; a sure reading of any other group stands as it is.
_ASKS: Final = frozenset(
    {"handout", "not_in_handout", "follow_up", "out_of_scope", "smalltalk", "explain_question", "why_asked", "unsure"}
)
#: Groups whose reply depends on the key, so that the key has to be sure.
_BY_KEY: Final = "handout"

# How much more likely each makes a key; chosen on the validation messages
# (docs/decisions/0002-nlu-pipeline.md).
NAMED: Final = 4.0
NOT_NAMED: Final = 5.0
LAST: Final = 3.0
#: How much less likely "before" makes what comes after the session, and the other way round.
PHASE: Final = 3.0
#: What is left of a reading that makes no sense where it stands.
UNLIKELY: Final = 0.1
NOT_HERE: Final = 0.02
#: What a key has at least when the words name it, so that weighing can find it at all.
NAMED_AT_LEAST: Final = 0.03

_SHORT_WORDS: Final = 8
#: How a message begins that goes on with what was said.
_GOES_ON: Final = re.compile(
    r"\W*(?:(?:ok(?:ay)?|oh|ah|right|hm+|cool|thanks|sorry|but)\W+)*"
    r"(?:and|n|or|but|so|what about|how about|what if|even|just|only|same|also|then|with|if|for|is (?:that|it|this)|"
    r"does (?:that|it|this)|why|how come|how long|until when|till when)\b",
    re.IGNORECASE,
)
_WORD: Final = re.compile(r"[\w']+")
_BEFORE: Final = re.compile(
    r"\b(?:before|beforehand|befor|b4|prior|pre|in advance|night before|evening before|on my way (?:in|to you)|"
    r"before(?:hand)? i (?:come|see)|on an empty)\b",
    re.IGNORECASE,
)
_AFTER: Final = re.compile(
    r"\b(?:after|afterwards?|afta|efter|post|once i(?:'m| am)? (?:home|done)|once am home|on (?:the|my) way home|"
    r"straight from|later|tonight|when i get (?:in|home)|the next day|next morning)\b",
    re.IGNORECASE,
)


class Context:
    """Weighs parts of messages."""

    def __init__(self, handout: Handout) -> None:
        self._handout = handout

    def weigh(self, part: Part, memory: Memory) -> Part:
        """The part as it reads in its context; unchanged where nothing speaks for another reading."""
        if part.intent in _FINAL or (part.intent not in _ASKS and part.confidence >= ANSWER) or not part.ranking:
            return part
        factors = self._factors(part.text, memory)
        shares = _outside_a_screen(dict(part.ranking), bool(memory.passages or memory.silent))
        if not factors and shares == dict(part.ranking):
            return part
        for key, factor in factors.items():
            shares[key] = max(shares.get(key, 0.0), NAMED_AT_LEAST if factor >= NAMED else 0.0) * factor
        rest = max(0.0, 1.0 - sum(share for _, share in part.ranking))
        return _best(part, shares, sum(shares.values()) + rest)

    def goes_on(self, text: str, memory: Memory) -> bool:
        """Whether a text makes sense only with what was said before."""
        words = len(_WORD.findall(text))
        return bool(memory.passages) and (words <= 3 or (words <= _SHORT_WORDS and _GOES_ON.match(text) is not None))

    def _factors(self, text: str, memory: Memory) -> Dict[str, float]:
        factors: Dict[str, float] = {}

        def speak(key: str, factor: float) -> None:
            factors[key] = factors.get(key, 1.0) * factor

        for passage in {mention.passage for mention in self._handout.find_specifics(text)}:
            speak(f"handout/{passage}", NAMED)
        for topic in {mention.topic for mention in self._handout.find_not_named(text)}:
            speak(f"not_in_handout/{topic}", NOT_NAMED)
        if self.goes_on(text, memory):
            last = memory.passages[0]
            named = self._handout.specific(last, text) is not None
            speak(f"handout/{last}", LAST * NAMED if named else LAST)
            for passage in self._handout.find_about(text):
                if passage.partition("_")[0] == last.partition("_")[0]:
                    speak(f"handout/{passage}", NAMED)
        other_phase = _other_phase(text)
        for passage in PASSAGES if other_phase else ():
            if passage.startswith(str(other_phase)):
                speak(f"handout/{passage}", 1.0 / PHASE)
        return factors


def _outside_a_screen(shares: Dict[str, float], something_before: bool) -> Dict[str, float]:
    """The shares of a part that answers no question of the screen.

    "Why?" then asks about what was said, "what is this?" is no word of the screen, and a
    follow-up has to follow something.
    """
    moved: Dict[str, float] = {}
    for key, share in shares.items():
        group = key.partition("/")[0]
        if group == "why_asked":
            key = "follow_up/why"
            group = "follow_up"
        if group == "explain_question":
            share *= NOT_HERE
        if group == "unsure" or (group == "follow_up" and not something_before):
            share *= UNLIKELY
        moved[key] = moved.get(key, 0.0) + share
    return moved


def _other_phase(text: str) -> Optional[str]:
    """How the passages begin that the words' "before" or "after" speaks against."""
    before, after = _BEFORE.search(text), _AFTER.search(text)
    if (before is None) == (after is None):
        return None
    return "after_" if before else "before_"


def _best(part: Part, shares: Dict[str, float], total: float) -> Part:
    """The part with new shares: the kind first, then the key in it, as the language model does."""
    groups: Dict[str, float] = {}
    for key, share in shares.items():
        group = key.partition("/")[0]
        groups[group] = groups.get(group, 0.0) + share
    intent = max(groups, key=lambda group: groups[group])
    order: List[str] = sorted(shares, key=lambda key: (key.partition("/")[0] != intent, -shares[key]))
    key = order[0]
    if intent in _FINAL:
        # what is heard as a disclosure is decided by the language model, not by a word of the handout
        return part
    confidence = shares[key] if intent == _BY_KEY else groups[intent]
    ranking = [(name, shares[name] / total) for name in [key, *sorted(shares, key=lambda k: -shares[k])]]
    kept = list(dict.fromkeys(ranking))
    return replace(part, intent=intent, key=key, confidence=confidence / total, ranking=kept)
