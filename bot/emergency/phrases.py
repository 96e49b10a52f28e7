"""The small phrase language of `rules.yml`, and a matcher that reads all phrases at once.

A phrase is words in order. `word*` is any word that begins so; `(a|b c)` is either;
`(a|b)?` may be missing; `..` skips up to three words of the same sentence, but no negation;
`<class>` is a numeral of a class (`NUMERALS`). There are no regular expressions: the matcher walks a
graph of words once per token, so no text can make it slow. Knows no symptom.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Union

from bot.emergency.text import Token

_GAP_WORDS = 3
_SHORTEST_STEM = 3
_MERGED_STEPS = 2
_PIECE = re.compile(r"\s*(\(|\)\??|\||\.\.|<[a-z_]+>|[a-z0-9]+\*?|\S)")
_WORD = re.compile(r"[a-z0-9]+\*?|<[a-z_]+>|\.\.")


def _number(word: str) -> float | None:
    try:
        return float(word)
    except ValueError:
        return None


def _within(low: float, high: float) -> Callable[[str], bool]:
    def check(word: str) -> bool:
        number = _number(word)
        return number is not None and low <= number <= high

    return check


def _severe_pressure(word: str) -> bool:
    upper, _, lower = word.partition("/")
    if not (upper.isdigit() and lower.isdigit()):
        return False
    return 180 <= int(upper) <= 300 and 40 <= int(lower) <= 200


def _year(word: str) -> bool:
    return word.isdigit() and len(word) == 4 and 1920 <= int(word) <= 2099


#: Classes of numerals: what `<name>` in a phrase stands for.
#: Fever: 38 to 42.9 °C or 100.4 to 109 °F (NHS: a high temperature is 38 °C or more).
#: Severe pressure: 180 mmHg systolic or more (NICE NG136, same-day assessment with
#: symptoms). Low oxygen: 60 to 92 %, NHS pulse oximeter leaflet. Glucose in mmol/l.
NUMERALS: Mapping[str, Callable[[str], bool]] = {
    "number": lambda word: word[0].isdigit(),
    "fever": lambda word: _within(38.0, 42.9)(word) or _within(100.4, 109.0)(word),
    "pressure": _severe_pressure,
    "oxygen": _within(60, 92),
    "slow": _within(20, 39),
    "fast": _within(150, 260),
    "glucose": _within(20, 60),
    "year": _year,
}


class PhraseError(ValueError):
    """A phrase cannot be read; the message says which part and what is allowed."""


@dataclass(frozen=True, slots=True)
class Hit:
    """A phrase of the list `name` found in the tokens `start` to `end` (exclusive)."""

    name: str
    start: int
    end: int


@dataclass(slots=True)
class _Group:
    """`(a|b)`, or `(a|b)?` if `optional`."""

    alternatives: list[_Sequence]
    optional: bool


_Sequence = list[Union[str, _Group]]


@dataclass(slots=True)
class _Node:
    """A state of the matcher: where each kind of next word leads, and what ends here."""

    words: dict[str, list[_Node]] = field(default_factory=dict)
    stems: dict[str, list[_Node]] = field(default_factory=dict)
    classes: dict[str, list[_Node]] = field(default_factory=dict)
    gaps: list[_Node] = field(default_factory=list)
    names: set[str] = field(default_factory=set)


class Phrases:
    """All phrases of all lists, matched together.

    Args:
        barriers: words that `..` does not skip ("tongue isn't swollen").
    """

    def __init__(self, barriers: frozenset[str] = frozenset()) -> None:
        self._root = _Node()
        self._start: _Node | None = None
        self._words: set[str] = set()
        self._barriers = barriers

    @property
    def words(self) -> frozenset[str]:
        """Every whole word that some phrase names."""
        return frozenset(self._words)

    def add(self, name: str, phrase: str) -> frozenset[str]:
        """Add a phrase to the list `name`; return the whole words it names.

        Raises:
            PhraseError: the phrase is not in the language described above.
        """
        sequence = _parsed(phrase)
        words = frozenset(word for word in _all_words(sequence) if word.isalnum())
        self._words |= words
        for end in self._grown([self._root], sequence, _Node()):
            end.names.add(name)
        self._start = None
        return words

    def _grown(self, starts: list[_Node], sequence: _Sequence, target: _Node) -> list[_Node]:
        """Lead from `starts` through the sequence to `target`; return every node it may end in.

        Alternatives end in one shared node, so that a phrase costs as many nodes as words.
        """
        for place, item in enumerate(sequence):
            end = target if place == len(sequence) - 1 else _Node()
            if isinstance(item, str):
                for start in starts:
                    _edges(start, item).append(end)
                starts = [end]
                continue
            ends = {id(node): node for option in item.alternatives for node in self._grown(starts, option, end)}
            if item.optional:
                ends |= {id(node): node for node in starts}
            starts = list(ends.values())
        return starts

    def find(self, tokens: Sequence[Token]) -> list[Hit]:
        """Return every hit, in order of its first token; hits may overlap."""
        if self._start is None:
            self._start = _merged([self._root], _MERGED_STEPS)
        hits: dict[Hit, None] = {}
        for start in range(len(tokens)):
            for name, end in self._walk(self._start, tokens, start, tokens[start].sentence):
                hits[Hit(name, start, end)] = None
        return list(hits)

    def _walk(self, node: _Node, tokens: Sequence[Token], place: int, sentence: int) -> Iterator[tuple[str, int]]:
        for name in node.names:
            yield name, place
        for gap in node.gaps:
            for skipped in range(_GAP_WORDS + 1):
                yield from self._walk(gap, tokens, place + skipped, sentence)
                if place + skipped < len(tokens) and tokens[place + skipped].word in self._barriers:
                    break
        if place >= len(tokens) or tokens[place].sentence != sentence:
            return
        word = tokens[place].word
        for following in node.words.get(word, ()):
            yield from self._walk(following, tokens, place + 1, sentence)
        if node.stems:
            for length in range(_SHORTEST_STEM, len(word) + 1):
                for following in node.stems.get(word[:length], ()):
                    yield from self._walk(following, tokens, place + 1, sentence)
        if node.classes and word[0].isdigit():
            for name, nodes in node.classes.items():
                if NUMERALS[name](word):
                    for following in nodes:
                        yield from self._walk(following, tokens, place + 1, sentence)


def _merged(nodes: Sequence[_Node], steps: int) -> _Node:
    """Return one node that does what all of `nodes` do, and so on for `steps` words.

    Hundreds of phrases begin with "i" or "my"; merged, each next word is looked up once.
    """
    if steps == 0 and len(nodes) == 1:
        return nodes[0]
    merged = _Node()
    for node in nodes:
        merged.names |= node.names
        merged.gaps += node.gaps
        for mine, theirs in (
            (merged.words, node.words), (merged.stems, node.stems), (merged.classes, node.classes)
        ):  # fmt: skip
            for key, following in theirs.items():
                mine.setdefault(key, []).extend(following)
    if steps > 0:
        for edges in (merged.words, merged.stems, merged.classes):
            for key, following in edges.items():
                edges[key] = [_merged(following, steps - 1)]
        if merged.gaps:
            merged.gaps = [_merged(merged.gaps, steps - 1)]
    return merged


def _edges(node: _Node, word: str) -> list[_Node]:
    if word == "..":
        return node.gaps
    if word.startswith("<"):
        return node.classes.setdefault(word[1:-1], [])
    if word.endswith("*"):
        return node.stems.setdefault(word[:-1], [])
    return node.words.setdefault(word, [])


def _parsed(phrase: str) -> _Sequence:
    pieces = [match.group(1) for match in _PIECE.finditer(phrase.strip())]
    for piece in pieces:
        _check_piece(piece)
    alternatives, rest = _alternatives(pieces, 0)
    if rest != len(pieces):
        raise PhraseError("a bracket is closed that was not opened")
    sequence: _Sequence = alternatives[0] if len(alternatives) == 1 else [_Group(alternatives, optional=False)]
    if _may_be_empty(sequence):
        raise PhraseError("it could match nothing at all: at least one word must be required")
    if ".." in _first_words(sequence, 1) or ".." in _first_words(sequence, -1):
        raise PhraseError("'..' needs a word on both sides")
    return sequence


def _check_piece(piece: str) -> None:
    if piece in ("(", ")", ")?", "|"):
        return
    if not _WORD.fullmatch(piece):
        raise PhraseError(
            f"cannot read {piece!r}: allowed are lower-case words without apostrophes, "
            "word*, (a|b), (a|b)?, .. and <class>"
        )
    if piece.startswith("<") and piece[1:-1] not in NUMERALS:
        raise PhraseError(f"unknown class {piece}: allowed are {', '.join(f'<{name}>' for name in NUMERALS)}")
    if piece.endswith("*") and len(piece) <= _SHORTEST_STEM:
        raise PhraseError(f"{piece} matches too much: write {_SHORTEST_STEM} letters or more before *")


def _alternatives(pieces: Sequence[str], place: int) -> tuple[list[_Sequence], int]:
    found: list[_Sequence] = [[]]
    while place < len(pieces) and not pieces[place].startswith(")"):
        piece = pieces[place]
        place += 1
        if piece == "|":
            found.append([])
        elif piece == "(":
            options, place = _alternatives(pieces, place)
            if place >= len(pieces):
                raise PhraseError("a bracket is not closed")
            found[-1].append(_Group(options, optional=pieces[place] == ")?"))
            place += 1
        else:
            found[-1].append(piece)
    return found, place


def _may_be_empty(sequence: _Sequence) -> bool:
    return all(
        isinstance(item, _Group) and (item.optional or any(_may_be_empty(option) for option in item.alternatives))
        for item in sequence
    )


def _first_words(sequence: _Sequence, direction: Literal[1, -1]) -> set[str]:
    """Return what the sequence may begin with (1) or end with (-1)."""
    found: set[str] = set()
    for item in sequence[::direction]:
        if isinstance(item, str):
            return found | {item}
        for option in item.alternatives:
            found |= _first_words(option, direction)
        if not _may_be_empty([item]):
            break
    return found


def _all_words(sequence: _Sequence) -> Iterator[str]:
    for item in sequence:
        if isinstance(item, str):
            yield item
        else:
            for option in item.alternatives:
                yield from _all_words(option)
