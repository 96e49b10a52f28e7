"""Client text to plain tokens that still know their place in the client's words.

Undoes what hides a word from a list: case, curly or missing apostrophes, accents,
zero-width characters, drawn-out letters ("heeelp"). Knows no symptom: the spellings to
repair are handed in.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from rapidfuzz.distance import OSA

#: A numeral with its decimals or its second half (39.4, 39,4, 224/128), or a word.
_TOKEN = re.compile(r"[0-9]+(?:[.,/][0-9]+)?|[^\W\d_]+")
_DRAWN_OUT = re.compile(r"([a-z])\1{2,}")
_DECIMAL_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9]{1,2}$)")
_SENTENCE_END = frozenset(".!?\n;。")
_CLAUSE_END = frozenset(",:—–()…")
#: "chest... pain": a pause, not the end of a sentence.
_PAUSE = re.compile(r"\.{2,}")
_APOSTROPHES = frozenset("'’‘`´ʼ＇")
#: Letters of other alphabets that look like Latin ones.
_LOOKALIKES = str.maketrans("асеорхуіѕԁɡοαν", "aceopxyisdgoav")
#: Verbs with "not", as clients write them in one word.
_CONTRACTED = {
    verb: verb + "nt" for verb in "could do does did is are was were would should has have had must need".split()
} | {"can": "cant", "will": "wont"}
_SHORTEST_REPAIRED_TWICE = 9
_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Token:
    """One word or numeral: `word` normalised, `start`/`end` in the client's text,
    `sentence` counted from 0, `opens` whether a clause begins with it."""

    word: str
    start: int
    end: int
    sentence: int
    opens: bool


class Spelling:
    """Repairs the words that matter: listed misspellings, possessives, then small typos.

    Args:
        listed: misspelling to the words meant ("chestpain" to "chest pain").
        known: words that are right as they are.
        repaired: words towards which small typos are repaired.
        left_alone: everyday words that lie one letter away from one of `repaired`.
    """

    def __init__(
        self, listed: Mapping[str, str], known: Iterable[str], repaired: Iterable[str], left_alone: Iterable[str]
    ) -> None:
        self._listed = {wrong: tuple(right.split()) for wrong, right in listed.items()}
        self._known = frozenset(known) | frozenset(left_alone)
        self._by_initial: dict[str, list[str]] = {}
        for word in sorted(repaired):
            self._by_initial.setdefault(word[0], []).append(word)
        self._seen: dict[str, tuple[str, ...]] = {}

    def __call__(self, word: str) -> tuple[str, ...]:
        """Return the word, or the words meant by it."""
        listed = self._listed.get(word)
        if listed is not None:
            return listed
        if word in self._known:
            return (word,)
        # Apostrophes are gone by now: "calf's" arrives as "calfs".
        if word.endswith("s") and word[:-1] in self._known:
            return (word[:-1],)
        # "sweatin", "squeezin": as spoken.
        if word.endswith("in") and word + "g" in self._known:
            return (word + "g",)
        repaired = self._seen.get(word)
        if repaired is None:
            repaired = (self._nearest(word),)
            # Bounded: the keys are a client's words, and clients write anything.
            if len(self._seen) < _REMEMBERED:
                self._seen[word] = repaired
        return repaired

    def _nearest(self, word: str) -> str:
        best, best_distance = word, 3
        for candidate in self._by_initial.get(word[0], ()):
            allowed = 2 if len(candidate) >= _SHORTEST_REPAIRED_TWICE else 1
            if abs(len(candidate) - len(word)) > allowed:
                continue
            distance = OSA.distance(word, candidate, score_cutoff=allowed)
            if distance <= allowed and distance < best_distance:
                best, best_distance = candidate, distance
        return best


def tokens(text: str, spelling: Callable[[str], tuple[str, ...]]) -> list[Token]:
    """Return the text's tokens in order; positions are those of the text as given."""
    plain, places = _plain(text)
    found: list[Token] = []
    sentence = 0
    end_of_last = 0
    for match in _TOKEN.finditer(plain):
        between = _PAUSE.sub("…", plain[end_of_last : match.start()])
        ends = bool(found) and any(mark in _SENTENCE_END for mark in between)
        sentence += ends
        opens = ends or not found or any(mark in _CLAUSE_END for mark in between)
        start, end = places[match.start()], places[match.end() - 1] + 1
        if match.group() == "not" and found and not opens and found[-1].word in _CONTRACTED:
            # "can not breathe" is "cant breathe", not the denial of "can breathe".
            verb = found.pop()
            found.append(Token(_CONTRACTED[verb.word], verb.start, end, sentence, verb.opens))
            end_of_last = match.end()
            continue
        for place, word in enumerate(_words(match.group(), spelling)):
            found.append(Token(word, start, end, sentence, opens and place == 0))
        end_of_last = match.end()
    return found


def _words(word: str, spelling: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
    if word[0].isdigit():
        return (_DECIMAL_COMMA.sub(".", word),)
    if _DRAWN_OUT.search(word):
        # "fallling" is "falling", "chesssst" is "chest": take what is a known word.
        twice, once = _DRAWN_OUT.sub(r"\1\1", word), _DRAWN_OUT.sub(r"\1", word)
        return spelling(twice) if spelling(twice) != (twice,) else spelling(once)
    return spelling(word)


def _plain(text: str) -> tuple[str, list[int]]:
    """Return the text without case, accents, apostrophes and invisible characters, and
    for each of its characters the position it came from."""
    characters: list[str] = []
    places: list[int] = []
    for place, original in enumerate(text):
        if original in _APOSTROPHES:
            continue
        if original.isascii():
            characters.append(original.lower())
            places.append(place)
            continue
        for character in unicodedata.normalize("NFKD", original).lower().translate(_LOOKALIKES):
            if unicodedata.category(character) in ("Cf", "Mn"):
                continue
            characters.append(character)
            places.append(place)
    return "".join(characters), places
