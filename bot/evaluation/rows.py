"""The held-out rows: what clients write, and what a right reply to it is.

Reads and checks `tests/eval/*.jsonl`; their README says how labels were decided. This module must not know how the
assistant is reached, nor how a reply is judged.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bot.emergency.rules import CATEGORIES
from bot.evaluation.errors import EvaluationError
from bot.handout import PASSAGES

#: Expected where a reply of any kind but an alarm is right.
NO_ALARM: Final = "no alarm"
#: Expected of a health screen: to be seen by the therapist, or to be let through.
FLAG: Final = "flag"
HARMLESS: Final = "harmless"

#: The passage that a reply about a condition names, by the list that the condition is on.
LISTS: Final[Mapping[str, tuple[str, ...]]] = {
    "contraindications": ("contraindications",),
    "modified": ("modified",),
    "unlisted": (),
}
REASONS: Final = ("human", "complaint", "after_effect")
#: The longest text that the chat takes, and the longest that the health screen takes over HTTP (contract).
LONGEST_MESSAGE: Final = 2000
LONGEST_SCREENING_TEXT: Final = 4000


@dataclass(frozen=True, slots=True)
class Expectation:
    """What one part of a message has to be answered with.

    Attributes:
        kind: a kind of message of the contract, or `NO_ALARM`, `FLAG`, `HARMLESS`.
        passages: for an answer the accepted passages, the intended one first; for `not_in_handout` those that may be
            cited; for a condition the passage of its list.
        detail: the list of a condition, the reason of an escalation, the category of an emergency, or what a
            screening text is about; empty for the rest.
    """

    kind: str
    passages: tuple[str, ...] = ()
    detail: str = ""

    @property
    def label(self) -> str:
        """The expectation in a word or two, `answer bruising` for instance."""
        return f"{self.kind} {self.subject}".strip()

    @property
    def subject(self) -> str:
        """What it is about: the intended passage of an answer, the detail of the rest."""
        return self.passages[0] if self.kind == "answer" else self.detail


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a set.

    Attributes:
        set: the file's name without its ending.
        turns: what the client writes, oldest first; only the reply to the last is judged.
        expected: the parts of a right reply, in order; one, unless the message is a compound.
        hard: indirect, misspelt, played down or the like; False for a plain message.
    """

    set: str
    id: str
    voice: str
    hard: bool
    turns: tuple[str, ...]
    expected: tuple[Expectation, ...]

    @property
    def label(self) -> str:
        """All that is expected, in a few words."""
        return " + ".join(part.label for part in self.expected)


class _Fields:
    """Takes fields out of one JSON object and notes what is wrong with them."""

    def __init__(self, value: Mapping[str, Any], where: str, note: Callable[[str], None]) -> None:
        self._left = dict(value)
        self.where = where
        self.note = note

    def take(self, name: str, wanted: type[Any], what: str) -> Any:
        if name not in self._left:
            self.note(f"{self.where}'{name}' is missing; it must be {what}")
            return wanted()
        value = self._left.pop(name)
        if not isinstance(value, wanted) or (wanted is str and not value.strip()):
            self.note(f"{self.where}'{name}' is {json.dumps(value)[:40]}; it must be {what}")
            return wanted()
        return value

    def words(self, name: str, longest: int) -> str:
        text: str = self.take(name, str, f"text of 1 to {longest:,} characters")
        if len(text) > longest:
            self.note(f"{self.where}'{name}' has {len(text):,} characters; allowed are {longest:,}")
        return text

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        value: str = self.take(name, str, f"one of {', '.join(allowed)}")
        if value and value not in allowed:
            self.note(f"{self.where}'{name}' is '{value}'; allowed: {', '.join(allowed)}")
        return value

    def passages(self, name: str, *, some: bool = False) -> tuple[str, ...]:
        values: list[Any] = self.take(name, list, "a list of passage ids")
        for value in values:
            if value not in PASSAGES:
                self.note(f"{self.where}'{value}' in '{name}' is no passage; known: {', '.join(PASSAGES)}")
        if some and not values:
            self.note(f"{self.where}'{name}' is empty; name the accepted passages, the intended one first")
        return tuple(str(value) for value in values)

    def inside(self, name: str) -> _Fields:
        return _Fields(self.take(name, dict, "an object"), f"{self.where}{name}: ", self.note)

    def several(self, name: str, least: int) -> list[_Fields]:
        values: list[Any] = self.take(name, list, f"a list of {least} or more objects")
        if len(values) < least:
            self.note(f"{self.where}'{name}' has {len(values)} of the {least} or more objects that it needs")
        return [
            _Fields(value if isinstance(value, dict) else {}, f"{self.where}{name} {number}: ", self.note)
            for number, value in enumerate(values, 1)
        ]

    def end(self) -> None:
        for name in self._left:
            self.note(f"{self.where}the field '{name}' is not known; remove it or correct its spelling")


def _answer(fields: _Fields) -> Expectation:
    return Expectation("answer", fields.passages("passages", some=True))


def _not_in_handout(fields: _Fields, cited: str = "may_cite") -> Expectation:
    return Expectation("not_in_handout", fields.passages(cited))


def _condition(fields: _Fields) -> Expectation:
    listed = fields.choice("list", tuple(LISTS))
    return Expectation("condition", LISTS.get(listed, ()), listed)


def _escalation(fields: _Fields) -> Expectation:
    return Expectation("escalation", detail=fields.choice("reason", REASONS))


def _emergency(fields: _Fields) -> Expectation:
    return Expectation("emergency", detail=fields.choice("category", CATEGORIES))


_ONE: Final[Mapping[str, Callable[[_Fields], Expectation]]] = {
    "answer": _answer,
    "not_in_handout": _not_in_handout,
    "condition": _condition,
    "escalation": _escalation,
    "emergency": _emergency,
    "smalltalk": lambda _: Expectation("smalltalk"),
    "out_of_scope": lambda _: Expectation("out_of_scope"),
}


def _expect(*kinds: str) -> Callable[[_Fields], tuple[Expectation, ...]]:
    def read(row: _Fields) -> tuple[Expectation, ...]:
        fields = row.inside("expect")
        kind = fields.choice("kind", kinds)
        if kind not in kinds:
            return ()
        expected = _ONE[kind](fields)
        fields.end()
        return (expected,)

    return read


def _harmless(row: _Fields) -> tuple[Expectation, ...]:
    fields = row.inside("expect")
    fields.choice("not", ("emergency",))
    fields.end()
    return (Expectation(NO_ALARM),)


def _parts(row: _Fields) -> tuple[Expectation, ...]:
    return tuple(part for fields in row.several("parts", 2) if (part := _part(fields)) is not None)


def _part(fields: _Fields) -> Expectation | None:
    kind = fields.choice("kind", ("answer", "not_in_handout", "condition", "escalation"))
    if kind == "not_in_handout":
        part = _not_in_handout(fields, "passages")
    elif kind == "answer":
        part = _answer(fields)
    elif kind in ("condition", "escalation"):
        part = _ONE[kind](fields)
        # said twice in the file, by list and by passage: both have to agree
        if fields.passages("passages") != part.passages:
            fields.note(f"{fields.where}'passages' must be {list(part.passages)} for {part.label}")
    else:
        return None
    fields.end()
    return part


def _screening(row: _Fields) -> tuple[Expectation, ...]:
    return (Expectation(row.choice("expect", (FLAG, HARMLESS)), detail=row.words("about", 200)),)


#: How the expectation of each set is written; the order is that of every table and chart.
_READERS: Final[Mapping[str, Callable[[_Fields], tuple[Expectation, ...]]]] = {
    "single": _expect("answer"),
    "not_in_handout": _expect("not_in_handout"),
    "compound": _parts,
    "follow_up": _expect("answer", "not_in_handout", "condition", "escalation"),
    "emergency": _expect("emergency"),
    "harmless": _harmless,
    "condition": _expect("condition"),
    "escalation": _expect("escalation"),
    "other": _expect("smalltalk", "out_of_scope"),
    "screening": _screening,
}
SETS: Final = tuple(_READERS)


def load_rows(folder: Path) -> tuple[Row, ...]:
    """All rows of all sets in a folder, in the order of `SETS`; a set that has no file is left out.

    Raises:
        EvaluationError: a file, field, passage or kind is not known, a value is not allowed or an id is used twice.
            Every fault is listed with its file and line.
    """
    files = sorted(folder.glob("*.jsonl"))
    problems = [
        f"{file.name}:1: there is no set of this name; known: {', '.join(SETS)}"
        for file in files
        if file.stem not in SETS
    ]
    if not files:
        problems.append(f"{folder} has no file that ends in .jsonl; name the folder that holds the evaluation sets")
    rows: list[Row] = []
    seen: dict[str, str] = {}
    for file in sorted((f for f in files if f.stem in SETS), key=lambda f: SETS.index(f.stem)):
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            place = f"{file.name}:{number}"
            found: list[str] = []
            row = _row(file.stem, line, found.append)
            if row is not None and row.id in seen:
                found.append(f"the id '{row.id}' is that of {seen[row.id]} already; ids are never used twice")
            if row is not None:
                seen.setdefault(row.id, place)
                rows.append(row)
            problems.extend(f"{place}: {problem}" for problem in found)
    if problems:
        raise EvaluationError("\n".join(problems))
    return tuple(rows)


def _row(name: str, line: str, note: Callable[[str], None]) -> Row | None:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
        note(f"this is no JSON ({error.msg} at column {error.colno}); write one object a line, and no empty lines")
        return None
    if not isinstance(value, dict):
        note("this is no JSON object; write one object a line")
        return None
    fields = _Fields(value, "", note)
    identity = fields.take("id", str, f"'{name}-<number>'")
    if identity and not re.fullmatch(rf"(?:v-)?{name}-\d+", identity):
        note(f"the id '{identity}' must be '{name}-<number>', or 'v-{name}-<number>' in the validation sets")
    row = Row(
        set=name,
        id=identity,
        voice=fields.take("voice", str, "the name of a voice"),
        hard=fields.take("hard", bool, "true or false"),
        turns=_turns(name, fields, note),
        expected=_READERS[name](fields),
    )
    fields.end()
    return row


def _turns(name: str, fields: _Fields, note: Callable[[str], None]) -> tuple[str, ...]:
    if name != "follow_up":
        return (fields.words("text", LONGEST_SCREENING_TEXT if name == "screening" else LONGEST_MESSAGE),)
    turns: list[Any] = fields.take("turns", list, "a list of two or more texts, oldest first")
    if len(turns) < 2 or not all(isinstance(turn, str) and 0 < len(turn) <= LONGEST_MESSAGE for turn in turns):
        note(f"'turns' must be two or more texts of 1 to {LONGEST_MESSAGE:,} characters, oldest first")
    return tuple(str(turn) for turn in turns)


def sample(rows: Sequence[Row], limit: int | None) -> tuple[Row, ...]:
    """At most `limit` rows of each set, evenly spaced: neighbouring lines of a file are about the same thing."""
    if limit is None:
        return tuple(rows)
    chosen: list[Row] = []
    for name in SETS:
        of_set = [row for row in rows if row.set == name]
        step = max(1.0, len(of_set) / limit)
        chosen.extend(of_set[int(number * step)] for number in range(min(limit, len(of_set))))
    return tuple(chosen)
