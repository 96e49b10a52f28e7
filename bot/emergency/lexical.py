"""The first reader: terms near each other, and the words that change what they mean.

Applies `rules.yml`. An alarm needs its terms to be present now: what is denied, long past
and over, asked about as a mere possibility, somebody's history, or a figure of speech is
not one. When a symptom of now and an idiom cannot be told apart, it is an alarm. Knows no
model and no category by name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from bot.emergency.phrases import Hit
from bot.emergency.rules import Combination, Rules, Says, Strength
from bot.emergency.text import Token, tokens

#: How far a negation reaches, in words, unless the clause ends first.
_NEGATION_WORDS = 6
#: Terms further apart than this are not about the same thing (long lines without a stop).
_FARTHEST_WORDS = {"sentence": 30, "neighbours": 45, "message": 10_000}
#: A message and its sentences, for the two readers of a few threads.
_REMEMBERED_TEXTS = 128
_AFTERWARDS_DENIED = frozenset({"no", "none", "nope", "never", "negative", "absent", "denied", "not"})
#: After a comma these start a statement of its own; anything else goes on with a list.
_SUBJECTS = frozenset(
    "i im ive my its it he she hes shes they there theres we you the now just today since "
    "but so then and when his her our this that".split()
)


Layer = Literal["lexical", "semantic"]


@dataclass(frozen=True, slots=True)
class Emergency:
    """One message's alarm.

    Attributes:
        category: one of `bot.emergency.rules.CATEGORIES`.
        evidence: the client's own words that raised it.
        layer: which reader raised it.
        score: 0 to 1; 1 for a strong combination of terms, else the head's probability.
        message: what to tell the client, with `{emergency_number}` and
            `{practice_phone}` still to be filled (`render`).
    """

    category: str
    evidence: str
    layer: Layer
    score: float
    message: str

    def render(self, *, emergency_number: str, practice_phone: str) -> str:
        """Return the message with both numbers in place."""
        return self.message.format(emergency_number=emergency_number, practice_phone=practice_phone)


@dataclass(frozen=True, slots=True)
class Finding:
    """A combination that applies: `evidence` is the client's words from the first term
    to the last."""

    category: str
    strength: Strength
    evidence: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the terms say about a message.

    `alarm` is the finding that decides, or None; `explained_away` whether terms of a strong
    combination were there but denied, past, hypothetical, figurative or another's.
    """

    alarm: Finding | None
    explained_away: bool

    @property
    def says(self) -> Says:
        """The reading in one word; "against" is an alarm that the context takes away."""
        if self.alarm is not None:
            return self.alarm.strength
        return "against" if self.explained_away else "nothing"


class LexicalReader:
    """Reads messages by the rules; what it said of one never depends on another.

    The words of the last few texts are kept, because both readers ask for the same ones.
    """

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._understood = lru_cache(_REMEMBERED_TEXTS)(self._understand)

    @property
    def lists(self) -> tuple[str, ...]:
        """The names of all lists that `named` can report, sorted."""
        return self._rules.lists

    def named(self, text: str) -> set[str]:
        """Return the term lists that are named and live in `text`, and its context."""
        return self._understood(text).named_lists()

    def sentences(self, text: str) -> list[tuple[int, int]]:
        """Return start and end of each sentence of `text` that has a word."""
        spans: list[tuple[int, int]] = []
        last = -1
        for word in self._understood(text).words:
            if word.sentence == last:
                spans[-1] = (spans[-1][0], word.end)
            else:
                spans.append((word.start, word.end))
            last = word.sentence
        return spans

    def read(self, text: str) -> Reading:
        """Return what the terms of `text` say; never raises, whatever the text."""
        message = self._understood(text)
        explained_away = False
        for combination in self._rules.combinations:
            pieces = message.match(combination, message.live)
            if pieces is not None:
                finding = Finding(combination.category, combination.strength, _quote(text, message.words, pieces))
                return Reading(finding, explained_away)
            if combination.strength == "strong" and not explained_away:
                explained_away = message.match(combination, message.named, trusting=True) is not None
        return Reading(None, explained_away)

    def _understand(self, text: str) -> _Message:
        words = tokens(text, self._rules.spelling)
        return _Message(words, self._rules.phrases.find(words))


class _Message:
    """One message's hits, sorted by what the context makes of them."""

    def __init__(self, words: Sequence[Token], hits: Sequence[Hit]) -> None:
        self.words = words
        context: dict[str, list[Hit]] = defaultdict(list)
        terms: list[Hit] = []
        for hit in hits:
            kind, _, name = hit.name.partition(":")
            if kind == "context":
                context[name].append(hit)
            else:
                terms.append(hit)
        self._sentences = {
            name: frozenset(words[hit.start].sentence for hit in found) for name, found in context.items()
        }
        self._negators = self._true_negators(context["negation"], context["not_negation"])
        self._clauses = frozenset(hit.start for hit in context["clause"])
        self.named = _by_name(terms)
        idioms = context["idiom"]
        self.live = _by_name(
            hit for hit in terms if not self._negated(hit) and not any(_inside(hit, idiom) for idiom in idioms)
        )

    def named_lists(self) -> set[str]:
        """Return the names of the live term lists and of the kinds of context."""
        return set(self.live) | {f"context:{name}" for name in self._sentences if name != "clause"}

    def match(
        self, combination: Combination, hits: Mapping[str, Sequence[Hit]], *, trusting: bool = False
    ) -> tuple[Hit, ...] | None:
        """Return the hits that fulfil the combination, or None.

        Args:
            hits: the hits to choose from, by list.
            trusting: whether to ignore past, hypothesis and whose history it is.
        """
        first, *others = combination.terms
        for start in hits.get(first, ()):
            pieces = [start]
            for name in others:
                near = [
                    hit
                    for hit in hits.get(name, ())
                    if self._near(start, hit, combination) and not any(_same(hit, piece) for piece in pieces)
                ]
                if not near:
                    break
                pieces.append(min(near, key=lambda hit: abs(hit.start - start.start)))
            else:
                if trusting:
                    return tuple(pieces)
                if self._excused(pieces, combination) or self._not_now(pieces, combination):
                    continue
                return tuple(pieces)
        return None

    def _near(self, one: Hit, other: Hit, combination: Combination) -> bool:
        sentences = abs(self.words[one.start].sentence - self.words[other.start].sentence)
        if sentences > {"sentence": 0, "neighbours": 1, "message": len(self.words)}[combination.within]:
            return False
        return abs(one.start - other.start) <= _FARTHEST_WORDS[combination.within]

    def _excused(self, pieces: Sequence[Hit], combination: Combination) -> bool:
        sentences = self._sentences_of(pieces)
        return any(
            self.words[hit.start].sentence in sentences
            for name in combination.unless
            for hit in self.named.get(name, ())
        )

    def _sentences_of(self, pieces: Sequence[Hit]) -> set[int]:
        return {self.words[piece.start].sentence for piece in pieces}

    def _not_now(self, pieces: Sequence[Hit], combination: Combination) -> bool:
        sentences = self._sentences_of(pieces)
        if self._in("present", sentences):
            return False
        if "hypothetical" not in combination.even_if and self._in("hypothetical", sentences):
            return True
        if self._in("informed", sentences):
            return True
        if self._in("past", sentences) or self._in("relative_history", sentences):
            return True
        # "I broke my collarbone in 2003 and couldn't breathe. Then it healed." is over as a
        # whole, and so is a story whose end says so.
        return bool(self._sentences.get("past") and self._sentences.get("resolved"))

    def _in(self, name: str, sentences: Iterable[int]) -> bool:
        found = self._sentences.get(name, frozenset())
        return any(sentence in found for sentence in sentences)

    def _true_negators(self, negations: Sequence[Hit], pseudo: Sequence[Hit]) -> frozenset[int]:
        """Return the places of the last words of negations that take something away."""
        return frozenset(
            hit.end - 1 for hit in negations if not any(false.start <= hit.start < false.end for false in pseudo)
        )

    def _negated(self, hit: Hit) -> bool:
        words = self.words
        sentence = words[hit.start].sentence
        for place in range(hit.start - 1, max(-1, hit.start - 1 - _NEGATION_WORDS), -1):
            following = words[place + 1]
            if words[place].sentence != sentence or place + 1 in self._clauses:
                break
            if following.opens and following.word in _SUBJECTS:
                break
            if place in self._negators:
                return True
        # "chest pain: no", "chest pain? none"
        after = hit.end
        if after < len(words) and words[after].word in _AFTERWARDS_DENIED and words[after].opens:
            last = after + 1 == len(words)
            return last or words[after + 1].opens
        return False


def _by_name(hits: Iterable[Hit]) -> dict[str, list[Hit]]:
    found: dict[str, list[Hit]] = defaultdict(list)
    for hit in hits:
        found[hit.name].append(hit)
    return found


def _inside(hit: Hit, idiom: Hit) -> bool:
    """Whether the idiom covers any of the hit's words."""
    return hit.start < idiom.end and idiom.start < hit.end


def _same(one: Hit, other: Hit) -> bool:
    """Whether two lists were met by the very same words, which is one symptom, not two."""
    return one.start == other.start and one.end == other.end


def _quote(text: str, words: Sequence[Token], pieces: Sequence[Hit]) -> str:
    start = min(piece.start for piece in pieces)
    end = max(piece.end for piece in pieces)
    return text[words[start].start : words[end - 1].end]
