"""From scored pieces of a message to the parts that deserve an answer of their own.

Pieces come from `splitting`, scores from any classifier given as a function. Greetings
and story are set aside when something else asks or tells more, neighbours that mean the
same are joined, and a list is taken apart only if its items are surely different
questions. Knows nothing of Rasa.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Callable, Final, Sequence, TypedDict

import numpy as np
from numpy.typing import NDArray

from bot.nlu import thresholds
from bot.nlu.splitting import Piece, split

#: Texts to probabilities, shape (number of texts, number of labels).
Scorer = Callable[[Sequence[str]], NDArray[np.float32]]

#: The intent of what cannot be read; Rasa's own name for it.
NOT_UNDERSTOOD: Final = "nlu_fallback"
_READABLE = re.compile(r"[^\W_]|[?!]")

#: So many keys travel with a part: what was said before and what the words name may favour a lower one.
_RANKING_LENGTH = 8
#: Longer messages are scored as a whole by their ends, where greeting and question are.
_WHOLE_CHARACTERS = 600

#: Said beside something else, these need no answer of their own.
_FILLER: Final = frozenset({"smalltalk"})
#: What a statement may be and still count beside a question: it discloses something, asks
#: for someone, or answers what the assistant asked.
_COUNTS_UNASKED: Final = frozenset(
    {
        "after_effect", "complaint", "condition", "emergency", "human", "my_data", "start_screen",
        "stop_screen", "affirm", "deny", "unsure", "correct_answer", "go_back", "skip_question",
    }
)  # fmt: skip
#: Groups whose reply depends on the key; of the others the group alone has to be right.
_ANSWERED_BY_KEY: Final = frozenset({"handout"})
_LISTABLE: Final = frozenset({"handout", "not_in_handout"})

#: Disclosures that stay parts of their own although a question after them was read with them.
_NEVER_ABSORBED: Final = frozenset({"condition", "emergency"})
#: Questions of these groups are about what was said before them.
_POINTS_BACK: Final = frozenset({"follow_up", "explain_question", "why_asked", "unsure"})


class Ranked(TypedDict):
    """A label with its calibrated probability."""

    name: str
    confidence: float


class Part(TypedDict):
    """One part of a message, as it travels in Rasa's parse data.

    `text` is `message[start:end]`: the piece that asks, with the story before it where the
    piece alone does not say what it is about. `intent` is the most probable group and `response_key`
    the most probable key in it (`handout/bruising`). `confidence` is the calibrated
    probability of the key for `handout`, whose answer depends on it, and of the group for
    all others. `ranking` holds eight keys with their own probabilities: `response_key`
    first, then the next best of any group.
    """

    text: str
    start: int
    end: int
    intent: str
    response_key: str
    confidence: float
    ranking: list[Ranked]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a message says.

    Attributes:
        parts: what deserves an answer of its own, in order.
        whole: the message taken as one part.
        groups: the probabilities of the whole message summed over the keys of each group,
            best first.
    """

    parts: tuple[Part, ...]
    whole: Part
    groups: list[Ranked]


def gist(text: str) -> str:
    """The stretch of a message by which it is scored as a whole."""
    if len(text) <= _WHOLE_CHARACTERS:
        return text
    half = _WHOLE_CHARACTERS // 2
    return f"{text[:half]} {text[-half:]}"


def texts_of(text: str) -> list[str]:
    """What `read` will have scored of a message, for whoever prepares it."""
    return _cut(text).texts


def read(text: str, labels: Sequence[str], score: Scorer) -> Reading:
    """Read a message; `score` is called once, with everything that has to be scored.

    Returns a reading with at least one part. A text of nothing but blanks, symbols or
    emoji is `nlu_fallback`: the vectors cannot tell a thumb up from a thumb down, and a
    guess could pass for a yes.
    """
    if not _READABLE.search(text):
        nothing: Part = {
            "text": text,
            "start": 0,
            "end": len(text),
            "intent": NOT_UNDERSTOOD,
            "response_key": NOT_UNDERSTOOD,
            "confidence": 0.0,
            "ranking": [],
        }
        return Reading((nothing,), nothing, [{"name": NOT_UNDERSTOOD, "confidence": 0.0}])
    cut = _cut(text)
    pieces, spans, several = cut.pieces, cut.spans, cut.several
    scores = score(cut.texts)
    groups = _groups_of(tuple(labels))

    ranked: dict[bytes, Part] = {}

    def part(piece: Piece, row: NDArray[np.float32]) -> Part:
        # a message of one piece has the same scores as a whole, as a piece and with its story
        same = row.tobytes()
        if same not in ranked:
            ranked[same] = _ranked(row, labels, groups)
        return {**ranked[same], "text": piece.text, "start": piece.start, "end": piece.end}

    whole = part(Piece(text, 0, len(text), False), scores[0])
    asked: list[tuple[Part, bool]] = []
    row = 1 + 2 * len(pieces)
    for index, (piece, span) in enumerate(zip(pieces, spans)):
        itemised = [part(item, scores[row + i]) for i, item in enumerate(piece.items)]
        row += len(piece.items)
        if _is_list(itemised):
            asked.extend((item, True) for item in itemised)
            continue
        alone = part(piece, scores[1 + index])
        if piece.asks and alone["confidence"] >= thresholds.ANSWER and _stands_beside(asked):
            if alone["intent"] in _POINTS_BACK and _disclosed(asked[-1][0]):
                # "I'm pregnant; is that a problem?" is answered by what is said on pregnancy
                asked[-1] = (_with_end(text, asked[-1][0], piece), asked[-1][1])
            else:
                asked.append((alone, True))
            continue
        around = scores[1 + len(pieces) + index] if several else scores[0]
        pooled = _pooled(scores[1 + index], around, thresholds.STORY_AMONG_SEVERAL if several else thresholds.STORY)
        together = part(piece, pooled)
        if piece.asks and _needs_story(alone, together):
            together = {**together, "text": span.text, "start": span.start, "end": span.end}
            asked = [(told, asks) for told, asks in asked if asks or not _absorbed(told, together)]
        asked.append((together, piece.asks))
    parts = _merged(text, _worth_answering(asked))
    if not parts or (len(pieces) > 1 and _weak(parts) and whole["confidence"] >= thresholds.ANSWER):
        parts = [whole]
    return Reading(tuple(parts), whole, groups.ranked(scores[0]))


@dataclass(frozen=True, slots=True)
class _Cut:
    """A message in pieces, each with its story, and the texts to score: whole, pieces, stories, items of lists."""

    pieces: tuple[Piece, ...]
    spans: list[Piece]
    several: bool
    texts: list[str]


def _cut(text: str) -> _Cut:
    pieces = split(text)
    several = sum(piece.asks for piece in pieces) > 1
    spans = _with_story(text, pieces)
    # a lone question is read with the whole message, and a statement without its own story
    stories = [gist(span.text) if several and piece.asks else piece.text for piece, span in zip(pieces, spans)]
    items = [item.meant or item.text for piece in pieces for item in piece.items]
    return _Cut(pieces, spans, several, [gist(text), *(piece.text for piece in pieces), *stories, *items])


def _with_story(text: str, pieces: Sequence[Piece]) -> list[Piece]:
    """Each piece with what was told since the question before it."""
    spans: list[Piece] = []
    begin: int | None = None
    for piece in pieces:
        begin = piece.start if begin is None else begin
        spans.append(Piece(text[begin : piece.end], begin, piece.end, piece.asks))
        if piece.asks:
            begin = None
    return spans


def _stands_beside(before: Sequence[tuple[Part, bool]]) -> bool:
    """Whether what was said before is a matter of its own, not the story of the next question."""
    if not before or before[-1][1]:
        return False
    return _disclosed(before[-1][0]) or _asks_in_short(before[-1][0])


def _disclosed(told: Part) -> bool:
    return told["intent"] in _NEVER_ABSORBED and told["confidence"] >= thresholds.ANSWER


def _with_end(text: str, part: Part, piece: Piece) -> Part:
    return {**part, "text": text[part["start"] : piece.end], "end": piece.end}


def _needs_story(alone: Part, together: Part) -> bool:
    """Whether a question does not say by itself what it was read to be about."""
    return alone["confidence"] < thresholds.ANSWER or alone["response_key"] != together["response_key"]


def _absorbed(told: Part, question: Part) -> bool:
    return told["start"] >= question["start"] and told["intent"] not in _NEVER_ABSORBED


def _pooled(own: NDArray[np.float32], around: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """A piece's probabilities with those of what surrounds it, as a weighted geometric mean.

    Both have to find a key likely: a clear question stands for itself, so that two of them
    are not blurred into one, and "how long then?" at the end of a story means what the
    story is about.
    """
    pooled = own ** (1.0 - share) * around**share
    return np.asarray(pooled / pooled.sum(), dtype=np.float32)


class _Groups:
    """The groups of a list of labels; `of` maps a label's column to its group's index."""

    def __init__(self, labels: Sequence[str]) -> None:
        groups = [label.partition("/")[0] for label in labels]
        self.names = sorted(set(groups))
        self.of = np.array([self.names.index(group) for group in groups])

    def sums(self, row: NDArray[np.float32]) -> NDArray[np.float64]:
        return np.asarray(np.bincount(self.of, weights=row, minlength=len(self.names)), dtype=np.float64)

    def ranked(self, row: NDArray[np.float32]) -> list[Ranked]:
        sums = self.sums(row)
        order = np.argsort(-sums, kind="stable")
        return [{"name": self.names[i], "confidence": round(float(sums[i]), 4)} for i in order]


def _ranked(row: NDArray[np.float32], labels: Sequence[str], groups: _Groups) -> Part:
    """What one row of scores says; the part's place in the message is still to be filled in."""
    sums = groups.sums(row)
    group = int(sums.argmax())
    # The kind of message first, then what it is about: measured better than the best key.
    best = int(np.where(groups.of == group, row, -1.0).argmax())
    others = [i for i in np.argsort(-row, kind="stable")[:_RANKING_LENGTH] if i != best]
    order = [best, *others][:_RANKING_LENGTH]
    intent = groups.names[group]
    return {
        "text": "",
        "start": 0,
        "end": 0,
        "intent": intent,
        "response_key": labels[best],
        "confidence": round(float(row[best] if intent in _ANSWERED_BY_KEY else sums[group]), 4),
        "ranking": [{"name": labels[i], "confidence": round(float(row[i]), 4)} for i in order],
    }


@lru_cache(maxsize=4)
def _groups_of(labels: tuple[str, ...]) -> _Groups:
    """The same for every message of a model."""
    return _Groups(labels)


def _is_list(items: Sequence[Part]) -> bool:
    return (
        len({item["response_key"] for item in items}) > 1
        and all(item["intent"] in _LISTABLE for item in items)
        and all(item["confidence"] >= thresholds.LIST_ITEM for item in items)
    )


def _worth_answering(parts: Sequence[tuple[Part, bool]]) -> list[Part]:
    if len(parts) < 2:
        return [part for part, _ in parts]
    substance = [(part, asks or _asks_in_short(part)) for part, asks in parts if part["intent"] not in _FILLER]
    if not substance:
        return [part for part, _ in parts]
    if any(asks for _, asks in substance):
        return [
            part
            for part, asks in substance
            if asks or (part["intent"] in _COUNTS_UNASKED and part["confidence"] >= thresholds.ANSWER)
        ]
    sure = [part for part, _ in substance if part["confidence"] >= thresholds.ANSWER]
    return sure or [max((part for part, _ in substance), key=lambda part: part["confidence"])]


#: Words of somebody telling, not asking.
_TELLS = re.compile(r"\b(?:i|i'm|im|i've|ive|my|me|we|our|he|she|they|was|were|had|got|did|said)\b", re.IGNORECASE)
_SHORT_WORDS = 6


def _asks_in_short(part: Part) -> bool:
    """Whether a part asks without a question's form: "price list somewhere"."""
    return (
        part["intent"] in _LISTABLE
        and part["confidence"] >= thresholds.ANSWER
        and len(part["text"].split()) <= _SHORT_WORDS
        and not _TELLS.search(part["text"])
    )


def _merged(text: str, parts: Sequence[Part]) -> list[Part]:
    """Join neighbours of one key; the joined part is as sure as the surer of the two."""
    merged: list[Part] = []
    for part in parts:
        if merged and merged[-1]["response_key"] == part["response_key"]:
            before = merged.pop()
            surer = max(before, part, key=lambda one: one["confidence"])
            start, end = before["start"], part["end"]
            part = {**surer, "text": text[start:end], "start": start, "end": end}
        merged.append(part)
    return merged


def _weak(parts: Sequence[Part]) -> bool:
    return all(part["confidence"] < thresholds.ANSWER for part in parts)
