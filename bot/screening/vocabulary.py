"""The words for conditions and medicines: loading, checking and finding them in a text.

Data lives in ``vocabulary/*.yml``; adding a brand is one word there. Knows spelling and
place of a mention, nothing of its status (that is ``context``) or outcome (``decision``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from rapidfuzz.distance import DamerauLevenshtein

from bot.screening.model import LISTINGS, Listing
from bot.screening.normalise import Canonical, Token, canonical, rebuild
from bot.screening.yamlfile import Node

Settles = Literal["never", "outgrown", "years", "weeks", "gone"]
SETTLES: tuple[Settles, ...] = ("never", "outgrown", "years", "weeks", "gone")

DIRECTORY = Path(__file__).parent / "vocabulary"
PASSAGE_SOURCES = ("contraindications", "modified")
PRACTICE_SOURCES = (
    "practice.unlisted",
    "practice.medicine",
    "practice.procedure",
    "practice.alarming",
    "practice.reading",
    "practice.unread",
)
SOURCES = PASSAGE_SOURCES + PRACTICE_SOURCES
LISTED: tuple[str, ...] = (
    "recent_sutures",
    "uncontrolled_hypertension",
    "kidney_dysfunction",
    "hematoma",
    "osteomyelitis",
    "anticoagulants",
    "varicose_veins",
    "cancer",
    "rheumatoid_arthritis",
    "acute_inflammation",
)
_GROUP_KEYS = frozenset(
    {"id", "condition", "list", "source", "date", "settles", "atc", "terms", "patterns", "abbreviations"}
)
_FILE_KEYS = frozenset({"date", "list", "source", "groups"})
_EVERYDAY_KEYS = frozenset({"date", "phrases"})

NO_CLASS = "-"
"""The ATC class of what is no medicine, or none in particular."""

_ATC = re.compile(r"[ABCDGHJLMNPRSV]\d{2}(?:[A-Z](?:[A-Z](?:\d{2})?)?)?")

# Shorter words have too many neighbours to be corrected without false friends.
_SHORTEST_CORRECTED = 5


@dataclass(frozen=True, slots=True)
class Group:
    """One group of words with one meaning.

    ``settles`` says when something that is over stops counting: never, when it was outgrown
    years ago, after years, after weeks, or as soon as it is said to be gone. ``atc`` is the WHO class of medicines.
    """

    id: str
    condition: str
    listing: Listing
    source: str
    since: date
    settles: Settles
    atc: str
    terms: tuple[tuple[str, ...], ...]
    pattern: re.Pattern[str] | None
    abbreviations: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mention:
    """A group found in a text: tokens ``start`` to ``end`` (exclusive)."""

    group: Group
    start: int
    end: int


@dataclass(slots=True)
class Vocabulary:
    """All groups, the everyday phrases that hide them, and the finder over both."""

    groups: tuple[Group, ...]
    everyday: re.Pattern[str]
    everyday_words: frozenset[str]
    _index: dict[str, list[tuple[tuple[str, ...], Group]]] = field(init=False, repr=False)
    _words: frozenset[str] = field(init=False, repr=False)
    _pattern_words: frozenset[str] = field(init=False, repr=False)
    _alike: dict[tuple[str, int], list[str]] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._index = {}
        words: set[str] = set()
        self._pattern_words = frozenset(
            word for g in self.groups if g.pattern for word in re.findall(r"[a-z]{5,}", g.pattern.pattern)
        )
        for group in self.groups:
            for term in group.terms:
                self._index.setdefault(term[0], []).append((term, group))
                words.update(term)
        self._words = frozenset(words)
        self._alike = {}
        for word in words:
            if len(word) >= _SHORTEST_CORRECTED and word.isalpha():
                self._alike.setdefault((word[0], len(word)), []).append(word)
        for bucket in self._alike.values():
            bucket.sort()

    @classmethod
    def load(cls, directory: Path | None = None) -> Vocabulary:
        """Read and check every file; raises ScreeningFileError with file and line."""
        directory = directory or DIRECTORY
        groups: list[Group] = []
        seen: set[str] = set()
        for path in sorted(directory.glob("*.yml")):
            if path.name in ("everyday.yml", "context.yml"):
                continue
            groups.extend(_read_groups(path, seen))
        everyday = Node.file(directory / "everyday.yml")
        everyday.only(_EVERYDAY_KEYS)
        phrases = everyday.texts("phrases")
        words = (directory / "everyday_words.txt").read_text(encoding="utf-8").split()
        return cls(tuple(groups), _compile(everyday, "phrases", phrases), frozenset(words))

    def group(self, group_id: str) -> Group:
        """The group of that id; raises KeyError."""
        for group in self.groups:
            if group.id == group_id:
                return group
        raise KeyError(group_id)

    def corrected(self, text: Canonical) -> Canonical:
        """The text with misspelt vocabulary words put right."""
        tokens = [Token(self.correct(t.word), t.start, t.end) for t in text.tokens]
        return rebuild(text.text, tokens)

    def correct(self, word: str) -> str:
        """The vocabulary word meant by ``word``, or ``word`` itself.

        One edit for words of five to seven letters, two from eight on; the first letter
        must agree, and ordinary words are left alone (``everyday_words.txt``).
        """
        if len(word) < _SHORTEST_CORRECTED or not word.isalpha():
            return word
        if word in self._words or word in self.everyday_words or word in self._pattern_words:
            return word
        if word.endswith("s") and (word[:-1] in self._words or word[:-1] in self.everyday_words):
            return word
        return self._nearest(word)

    def _nearest(self, word: str) -> str:
        allowed = 2 if len(word) >= 8 else 1
        best, best_distance = word, allowed + 1
        for length in range(len(word) - allowed, len(word) + allowed + 1):
            for candidate in self._alike.get((word[0], length), ()):
                limit = min(allowed, 1 if len(candidate) < 7 else 2)
                distance = DamerauLevenshtein.distance(word, candidate, score_cutoff=limit)
                if distance <= limit and distance < best_distance:
                    best, best_distance = candidate, distance
        return best

    def find(self, text: Canonical, original: Canonical) -> list[Mention]:
        """Mentions in reading order, longest first where they overlap.

        ``original`` has the same tokens before correction, for case-sensitive abbreviations.
        """
        hidden = [
            (text.token_at(m.start()), text.token_at(max(m.start(), m.end() - 1)) + 1)
            for m in self.everyday.finditer(text.line)
        ]
        found = list(self._terms(text)) + list(self._patterns(text)) + list(self._capitals(original))
        kept: list[Mention] = []
        taken: list[tuple[int, int]] = []
        for mention in sorted(found, key=lambda m: (-(m.end - m.start), _rank(m.group), m.start, m.group.id)):
            if any(_mostly_hidden(mention, a, b) for a, b in hidden):
                continue
            # A long pattern may swallow a medicine; both are worth telling.
            if any(mention.start >= k.start and mention.end <= k.end and _same(k.group, mention.group) for k in kept):
                continue
            if (mention.start, mention.end) in taken:
                continue
            taken.append((mention.start, mention.end))
            kept.append(mention)
        return sorted(kept, key=lambda m: (m.start, m.end, m.group.id))

    def _terms(self, text: Canonical) -> Iterator[Mention]:
        words = [token.word for token in text.tokens]
        for start, word in enumerate(words):
            for key in (word, word[:-1] if word.endswith("s") else ""):
                for term, group in self._index.get(key, ()):
                    end = start + len(term)
                    if end > len(words):
                        continue
                    inner = words[start : end - 1] == list(term[:-1])
                    last = words[end - 1]
                    if (inner or len(term) == 1) and (last == term[-1] or last == term[-1] + "s"):
                        yield Mention(group, start, end)

    def _patterns(self, text: Canonical) -> Iterator[Mention]:
        for group in self.groups:
            if group.pattern is None:
                continue
            for match in group.pattern.finditer(text.line):
                if match.end() > match.start():
                    first = text.token_at(match.start())
                    last = text.token_at(len(match.group().rstrip()) + match.start() - 1)
                    yield Mention(group, _behind_never(text, first, last), last + 1)

    def _capitals(self, original: Canonical) -> Iterator[Mention]:
        letters = [c for c in original.text if c.isalpha()]
        if letters and sum(c.isupper() for c in letters) > len(letters) * 0.7 and len(letters) > 12:
            return
        for group in self.groups:
            for short in group.abbreviations:
                for index, token in enumerate(original.tokens):
                    if original.text[token.start : token.end] == short:
                        yield Mention(group, index, index + 1)


_DONE = frozenset("had been needed broken broke bruised taken have required".split())


def _behind_never(text: Canonical, first: int, last: int) -> int:
    """Where a mention begins whose pattern has swallowed its own denial ("have never had surgery")."""
    for index in range(first, last):
        if text.tokens[index].word == "never" and text.tokens[index + 1].word in _DONE:
            return index + 1
    return first


def _mostly_hidden(mention: Mention, first: int, last: int) -> bool:
    """Whether an everyday phrase covers the last word of the mention or half of it."""
    shared = min(mention.end, last) - max(mention.start, first)
    return shared > 0 and (first < mention.end <= last or shared * 2 >= mention.end - mention.start)


def _same(outer: Group, inner: Group) -> bool:
    return outer.condition == inner.condition or _rank(inner) >= _rank(outer)


def _rank(group: Group) -> int:
    """Precedence among overlapping mentions: named things before vague ones."""
    if group.listing == "irrelevant":
        return 0
    return 2 if group.condition in ("unspecified", "medicine", "procedure", "awaiting_results", "injury") else 1


def _compile(node: Node, key: str, patterns: Iterable[str]) -> re.Pattern[str]:
    parts: list[str] = []
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise node.fail(
                key, f"pattern '{pattern}' in {node.what} is not a regular expression ({error})."
            ) from error
        # In a canonical line every word is followed by a space, also the last of a pattern.
        pattern = pattern.replace("( |$)", "(?= |$)")
        parts.append(pattern.replace("(", "(?:").replace("(?:?", "(?"))
    return re.compile(r"(?<![^ ])(?:" + "|".join(parts) + r")(?![^ ])")


def _read_groups(path: Path, seen: set[str]) -> list[Group]:
    top = Node.file(path)
    top.only(_FILE_KEYS)
    since = top.date("date")
    out: list[Group] = []
    for node in top.nodes("groups", "group"):
        node.only(_GROUP_KEYS)
        group_id = node.text("id")
        if group_id in seen:
            raise node.fail("id", f"group '{group_id}' exists twice; ids must differ.")
        seen.add(group_id)
        listing = node.choice("list", LISTINGS, default=top.choice("list", LISTINGS))
        condition = node.text("condition")
        if listing in ("contraindication", "modified") and condition not in LISTED:
            allowed = ", ".join(LISTED)
            raise node.fail("condition", f"'{condition}' is not on the handout's lists; allowed are {allowed}.")
        atc = node.text("atc", default=NO_CLASS)
        if atc != NO_CLASS and not all(_ATC.fullmatch(part) for part in re.split(r", |-", atc)):
            raise node.fail(
                "atc", f"'{atc}' is not an ATC class; allowed are classes such as B01A, C02-C03 or L04A, P01BA02."
            )
        terms = node.texts("terms")
        patterns = node.texts("patterns")
        abbreviations = node.texts("abbreviations")
        if not terms and not patterns:
            raise node.fail("id", f"group '{group_id}' has neither terms nor patterns; add one.")
        out.append(
            Group(
                id=group_id,
                condition=condition,
                listing=cast(Listing, listing),
                source=node.choice("source", SOURCES, default=top.choice("source", SOURCES)),
                since=node.date("date") if "date" in node.data else since,
                settles=cast(Settles, node.choice("settles", SETTLES)),
                atc=atc,
                terms=tuple(variant for term in terms for variant in _spellings(term)),
                pattern=_compile(node, "patterns", patterns) if patterns else None,
                abbreviations=tuple(abbreviations),
            )
        )
    return out


def _spellings(term: str) -> Iterator[tuple[str, ...]]:
    """A term as canonical words, also with an apostrophe before its final s ("athlete's foot")."""
    words = tuple(token.word for token in canonical(term).tokens)
    yield words
    if len(words[0]) > 4 and words[0].endswith("s") and not words[0].endswith("ss"):
        yield (words[0][:-1], "'s", *words[1:])


@lru_cache(maxsize=1)
def default_vocabulary() -> Vocabulary:
    """The vocabulary that ships with the package, loaded once."""
    return Vocabulary.load()
