"""Cut a message into the pieces that may each ask or tell something of its own.

Pure text work: sentences first, then clauses where a second question begins, then the
items of a short list ("swim or sauna"). Whether list items really are two questions is
for the classifier to say (see `merging`); here they are only candidates. Knows nothing
of intents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Iterator, TypeVar

#: A message of more pieces keeps its first and last ones; nobody asks this much at once,
#: and each piece costs an encoding.
MAX_PIECES = 12

#: An item of more words has what it needs.
_MAX_ITEM_WORDS = 4
#: Longer lists are not looked at item by item: they are sentences, not lists.
_MAX_LIST_WORDS = 15

_ABBREVIATION = re.compile(
    r"\b(?:dr|mr|mrs|ms|st|vs|e\.g|i\.e|eg|ie|etc|approx|appt|mins?|hrs?|a\.m|p\.m)\.$", re.IGNORECASE
)
_SENTENCE_END = re.compile(r"(?:[.!?\u2026]+[\"')\]]*(?=\s|$)|\?+(?=[a-zA-Z])|\n+|;)")

_WH = r"(?:what|which|who|whose|when|where|why|how|wot|wat|wen|hw|whats|hows|whens|wheres)(?:'s|'re|'d)?"
_AUXILIARY = (
    r"(?:can|could|may|might|must|ought|need|shall|should|will|would|do|does|did|is|are|am|was|were|has|have|had|"
    r"isn't|aren't|don't|doesn't|can't|won't|shouldn't|couldn't|wouldn't|isnt|arent|dont|doesnt|cant|wont)"
)
_SUBJECT = r"(?:i|you|u|we|they|it|that|this|these|those|he|she|there|my|your|ur|the|a|an|any|anyone|someone|people)"
_PHRASE = r"(?:is it (?:ok|okay|alright)|ok(?:ay)? to|any(?:thing|one)? |am i|what about|how about|when can|do i)"
_OPENER = re.compile(rf"(?:{_WH}\b|{_AUXILIARY}\s+{_SUBJECT}\b|{_PHRASE})", re.IGNORECASE)
_LEAD_IN = (
    r"(?:(?:and|n|also|plus|btw|but|so|or|then|oh|ok|okay|hi|hello|hey|please|pls|just|another thing|one more thing)"
    r"\b[\s,:]{0,3}){0,4}"
)
_OPENS = re.compile(rf"\s*{_LEAD_IN}(?:{_OPENER.pattern})", re.IGNORECASE)
#: Where a second clause may begin. Blanks are bounded: a client may send 2,000 of them.
_JOINT = re.compile(
    r"(?:\s{0,3}[,:\u2013\u2014]\s{0,3}|\s{1,3}-{1,3}\s{1,3}|\s{1,3})"
    r"(?:(?:and|n|also|plus|btw|but|or|then|oh|so)\b[\s,]{0,3}){1,3}"
    r"|\s{0,3}[,:\u2013\u2014]\s{1,3}|\s{1,3}-{1,3}\s{1,3}|\s{1,3}[&+]\s{1,3}|\s{0,3}/\s{1,3}",
    re.IGNORECASE,
)
#: "the tool you told me about is it clean" hides its question; such words give it away.
_ASKS_INSIDE = re.compile(
    r"\b(?:wondering|wonder|curious|want(?:ed)? to (?:know|ask|check)|let me know|tell me|can i|could i|should i|"
    r"may i|do i|is it|am i|is that|is this|ok to|okay to|alright to|safe to|allowed|or not|right\s*$|yes or no|"
    r"how (?:long|much|many|often|soon|bad)|what about|how about|"
    r"(?:i'd|id|i would|we'd) (?:still |also |really )?like to|i (?:still |also )?need to (?:book|move|cancel|change|pay))\b",
    re.IGNORECASE,
)
#: "no, but does it hurt?": a word that answers, and a question of its own.
_YES_OR_NO = re.compile(r"\W*(?:yes|yeah|yep|yup|no|nope|nah|none|not sure|dunno)\W*", re.IGNORECASE)
_LIST_JOINT = re.compile(
    r"\s{0,3}(?:,|/|&|\+|\b(?:or|and|n|also|plus)\b)\s{0,3}(?:(?:or|and|also|plus)\b\s{0,3})?", re.IGNORECASE
)
#: "drink, eat and wear beforehand": the end belongs to every item.
_SHARED_END = re.compile(r"\b(?:before|beforehand|first|after|afterwards|tonight|today|tomorrow)\W*$", re.IGNORECASE)
#: Two things set against each other are one question.
_COMPARES = re.compile(r"\b(?:differen\w*|between|versus|vs|than|better|same|compared?)\b", re.IGNORECASE)
_WORD = re.compile(r"[\w']+")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a message.

    Attributes:
        text: the client's words, without surrounding blanks.
        start: where it begins in the message, in characters.
        end: where it ends (exclusive).
        asks: whether it stands as a question, with or without a question mark.
        items: for a short list, its items, which may be questions of their own.
        meant: how an item reads in full, where it leaves out what the list shares ("What
            should I eat" for the "eat" of "What should I drink, eat and wear?"); else empty.
    """

    text: str
    start: int
    end: int
    asks: bool
    items: tuple[Piece, ...] = ()
    meant: str = ""


def split(text: str) -> tuple[Piece, ...]:
    """Return the pieces of `text` in order; none for a text without words.

    Every piece is a stretch of `text` unchanged: `text[piece.start:piece.end] == piece.text`.
    Runs in time linear in the text's length.
    """
    pieces = [
        piece
        for start, end in _ends(list(_sentences(text)))
        for clause in _clauses(text, start, end)
        if (piece := _piece(text, *clause)) is not None
    ]
    return tuple(_ends(pieces))


def asks(text: str) -> bool:
    """Whether `text` stands as a question, going by its mark, its opening or its wording."""
    return "?" in text or bool(_OPENS.match(text)) or bool(_ASKS_INSIDE.search(text))


_T = TypeVar("_T")


def _ends(pieces: list[_T]) -> list[_T]:
    """The first and last of many pieces."""
    half = MAX_PIECES // 2
    return pieces if len(pieces) <= MAX_PIECES else pieces[:half] + pieces[-half:]


def _piece(text: str, start: int, end: int) -> Piece | None:
    stretch = text[start:end]
    start += len(stretch) - len(stretch.lstrip())
    end -= len(stretch) - len(stretch.rstrip())
    stretch = text[start:end]
    if not _WORD.search(stretch):
        return None
    return Piece(stretch, start, end, asks(stretch), tuple(_items(text, start, end)))


def _sentences(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for mark in _SENTENCE_END.finditer(text):
        if mark.group() == "." and _ABBREVIATION.search(text, max(start, mark.end() - 8), mark.end()):
            continue
        yield start, mark.end()
        start = mark.end()
    if start < len(text):
        yield start, len(text)


def _clauses(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut where a question begins after words that already say something."""
    begin = start
    for joint in _JOINT.finditer(text, start, end):
        if joint.start() <= begin:
            continue
        if not _OPENS.match(text, joint.end(), end):
            continue
        left, right = text[begin : joint.start()], text[joint.end() : end]
        if (len(_WORD.findall(left)) < 2 and not _YES_OR_NO.fullmatch(left)) or _depends(left, right, joint.group()):
            continue
        yield begin, joint.start()
        begin = joint.end()
    yield begin, end


#: "let me know, when can ...": the left side only announces the question on the right.
_ANNOUNCES = re.compile(
    r"\b(?:know|ask|asking|wondering|wonder|tell me|question|curious|check|sure|understand|is|see|but|if|that|"
    r"because|cos|and)\s*$",
    re.IGNORECASE,
)
#: "when i come in", "how i feel", "what you did": a clause of the sentence, not a question.
_SUBORDINATE = re.compile(
    r"\s*(?:(?:and|so|but|or)\s+)?(?:when|where|what|how|which|who|why)\s+(?:i|you|u|we|they|he|she|it|my|your|the)\b",
    re.IGNORECASE,
)


def _depends(left: str, right: str, joint: str) -> bool:
    # "... or should I wait", "... or is it fine" only turn the question round.
    turned = joint.split()[-1:] == ["or"] and len(_WORD.findall(right)) < 4
    return turned or bool(_ANNOUNCES.search(left)) or bool(_SUBORDINATE.match(right))


def _items(text: str, start: int, end: int) -> Iterator[Piece]:
    """Yield the items of a short list, or nothing."""
    stretch = text[start:end]
    if len(_WORD.findall(stretch)) > _MAX_LIST_WORDS or _COMPARES.search(stretch):
        return
    begin = start
    bounds: list[tuple[int, int]] = []
    for joint in _LIST_JOINT.finditer(text, start, end):
        if joint.start() > begin:
            bounds.append((begin, joint.start()))
            begin = joint.end()
    bounds.append((begin, end))
    items = [(a, b) for a, b in bounds if _WORD.search(text, a, b)]
    if len(items) < 2:
        return
    whole_asks = asks(stretch)
    stem = _shared_stem(text[slice(*items[0])])
    ending = _SHARED_END.search(stretch)
    tail = f" {ending.group().strip()}" if ending else ""
    for number, (a, b) in enumerate(items):
        item = text[a:b]
        a += len(item) - len(item.lstrip())
        b -= len(item) - len(item.rstrip())
        short = number > 0 and len(_WORD.findall(item)) <= _MAX_ITEM_WORDS and not _OPENS.match(item)
        meant = f"{stem} {text[a:b]}" if stem and short else text[a:b]
        meant += tail if stem and number < len(items) - 1 else ""
        yield Piece(text[a:b], a, b, whole_asks, meant=meant if meant != text[a:b] else "")


def _shared_stem(first: str) -> str:
    """What the items of a list share with its first one: all but its last word, where that is a question's start."""
    stem = first.strip().rpartition(" ")[0]
    return stem if _OPENS.match(stem) else ""
