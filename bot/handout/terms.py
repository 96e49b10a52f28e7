"""Find terms of the content in a client's words: whole words, plurals, small typos, the longest match first.

It knows words and positions only; what a term stands for is the caller's business.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from typing import Final, Generic, Hashable, Iterable, TypeVar

from rapidfuzz.distance import DamerauLevenshtein

T = TypeVar("T", bound=Hashable)

# Zero-width characters count as part of a word, so that they cannot cut one in two unseen.
_WORD: Final = re.compile("[\\w'\u2019\u200b-\u200d\u2060\ufeff]+")
_DROPPED: Final = re.compile("['\u2019\u200b-\u200d\u2060\ufeff_]")

#: From this length on a word may differ from a term by one edit, and by two from the second length on.
ONE_EDIT_FROM: Final = 6
TWO_EDITS_FROM: Final = 10

#: Real words that lie within a small edit of a term; they are never taken for a typo of it.
REAL_WORDS: Final = frozenset(
    """
    blaming blotchy boring cancel cellulitis choked coffer cooker cooler creating creatinine creative cricked
    crooked dental diving driven drying fasten faster filled fillet filter flights foundations fright hickey hiding
    hiring hockey hypertensive hypotension indecision installment instalment instrumental kidnap leopard limited
    limiting litigation logging lymphedema lymphodema lymphoedema massaged massager message motion needy pasture
    physic physical physics pirate planter platter posted postgre saving scrap scrape scraped scroll shaded shading
    shaken shaker shaking shamed shaped shared sharing shooter shovel showed single slimming slower smocking
    speckled splits spring sprints stable stapled staring stimming stitched stream stride strike striped stroke
    stroked supplemented swinging swiping switch toxic wading waking waning waving weeding welding whisked
    """.split()
)


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text in comparable form, and where it stands."""

    form: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Match(Generic[T]):
    """`targets` are all that the matched term stands for; the text between `start` and `end` names it."""

    term: str
    targets: tuple[T, ...]
    start: int
    end: int


def singular(word: str) -> str:
    """One form for singular and plural. Terms and texts go through the same rule, so it need not be good English."""
    if len(word) <= 3 or not word.endswith("s") or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return word[:-3] + "y"
    if word.endswith(("sses", "ches", "shes", "xes", "zes")):
        return word[:-2]
    return word[:-1]


def words(text: str) -> list[Word]:
    """The words of a text: lower case, without accents, apostrophes and invisible characters, in the singular."""
    found = []
    for match in _WORD.finditer(text):
        plain = unicodedata.normalize("NFKD", _DROPPED.sub("", match.group()))
        form = "".join(char for char in plain if not unicodedata.combining(char)).casefold()
        if form:
            found.append(Word(singular(form), match.start(), match.end()))
    return found


def form_of(term: str) -> tuple[str, ...]:
    """A term in comparable form; two terms with one form are duplicates of each other."""
    return tuple(word.form for word in words(term))


class TermIndex(Generic[T]):
    """Terms with what they stand for. Built once, then safe to share between threads.

    Typos are read for terms of one word in `entries` only: the words of phrases and of `exact` terms are everyday
    words, which are too close to other everyday words.
    """

    def __init__(self, entries: Iterable[tuple[str, T]], exact: Iterable[tuple[str, T]] = ()) -> None:
        readable = list(entries)
        targets: dict[tuple[str, ...], list[T]] = defaultdict(list)
        self._spelling: dict[tuple[str, ...], str] = {}
        for term, target in (*readable, *exact):
            form = form_of(term)
            if not form:
                raise ValueError(f"The term {term!r} has no letters or digits; terms are words.")
            self._spelling.setdefault(form, term)
            if target not in targets[form]:
                targets[form].append(target)
        self._targets = {form: tuple(found) for form, found in targets.items()}
        self._by_first: dict[str, list[tuple[str, ...]]] = defaultdict(list)
        for form in self._targets:
            self._by_first[form[0]].append(form)
        for forms in self._by_first.values():
            forms.sort(key=len, reverse=True)
        self._known = frozenset(word for form in self._targets for word in form)
        self._by_initial: dict[str, list[str]] = defaultdict(list)
        for word in sorted({form[0] for form in (form_of(term) for term, _ in readable) if len(form) == 1}):
            if len(word) >= ONE_EDIT_FROM and word.isalpha():
                self._by_initial[word[0]].append(word)

    def find(self, text: str) -> list[Match[T]]:
        """Terms named in the text, in order; of two that overlap, the one of more words wins."""
        spoken = words(text)
        corrected = [self._corrected(word.form) for word in spoken]
        candidates: list[tuple[int, int, tuple[str, ...]]] = []
        for position, word in enumerate(corrected):
            for form in self._by_first.get(word, ()):
                if tuple(corrected[position : position + len(form)]) == form:
                    candidates.append((position, len(form), form))
        candidates.sort(key=lambda candidate: (-candidate[1], candidate[0]))
        taken: set[int] = set()
        matches: list[Match[T]] = []
        for position, length, form in candidates:
            span = range(position, position + length)
            if taken.isdisjoint(span):
                taken.update(span)
                start, end = spoken[position].start, spoken[position + length - 1].end
                matches.append(Match(self._spelling[form], self._targets[form], start, end))
        return sorted(matches, key=lambda match: match.start)

    def _corrected(self, word: str) -> str:
        """The term that this word is a small typo of, or the word itself. First letters are seldom mistyped."""
        if word in self._known or len(word) < ONE_EDIT_FROM or word in REAL_WORDS or not word.isalpha():
            return word
        allowed = 2 if len(word) >= TWO_EDITS_FROM else 1
        nearest = word
        for known in self._by_initial.get(word[0], ()):
            if abs(len(known) - len(word)) > allowed:
                continue
            distance = DamerauLevenshtein.distance(word, known, score_cutoff=allowed)
            if distance <= allowed:
                nearest, allowed = known, distance - 1
        return nearest
