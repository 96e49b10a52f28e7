"""`rules.yml` as objects, refused as a whole if any line of it cannot be trusted.

Knows the shape of the file and nothing of how it is applied (`lexical.py`).
"""

from __future__ import annotations

import datetime
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from bot.emergency.errors import EmergencyError
from bot.emergency.phrases import PhraseError, Phrases
from bot.emergency.text import Spelling

DEFAULT_RULES = Path(__file__).with_name("rules.yml")

#: policy.md 2.7, and the names under `emergency/` in data/nlu/emergencies.yml.
CATEGORIES = (
    "chest_pain", "breathing", "stroke", "clot_leg", "thunderclap_headache", "cauda_equina",
    "infection_sepsis", "rhabdo", "bleeding", "vomit_cough_blood", "fainting", "allergy",
    "compartment", "neck_artery", "suicidal", "other_urgent",
)  # fmt: skip
PLACEHOLDERS = ("emergency_number", "practice_phone")
LONGEST_MESSAGE_WORDS = 60

#: Between two words of a phrase these turn its meaning round.
_BARRIERS = frozenset("no not never without isnt arent wasnt werent aint dont doesnt didnt havent hasnt".split())
_CATEGORY_KEYS = ("id", "source", "since", "message", "even_if", "strong", "weak", "combinations")
_SECTIONS = ("version", "since", "thresholds", "spelling", "context", "terms", "categories")

Strength = Literal["strong", "weak"]
#: What the terms say of a whole message; "against" is an alarm that the context takes away.
Says = Literal["strong", "weak", "against", "nothing"]
Within = Literal["sentence", "neighbours", "message"]
#: The lists under `context:`, each with a meaning of its own in `lexical.py`.
CONTEXT = (
    "negation", "not_negation", "clause", "past", "resolved", "present", "hypothetical",
    "informed", "relative_history", "idiom",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Combination:
    """An alarm when every list of `terms` is named, none of `unless`, near enough.

    `within`: all in one sentence, in two adjacent ones, or anywhere in the message.
    A weak one needs the second reader's agreement. `even_if` names context that does not
    take this alarm away.
    """

    category: str
    terms: tuple[str, ...]
    unless: tuple[str, ...]
    within: Within
    strength: Strength
    even_if: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Category:
    """What is said, and on whose authority, when the category is found.

    `message` still has its placeholders, `{emergency_number}` and `{practice_phone}`.
    """

    id: str
    source: str
    since: datetime.date
    message: str


@dataclass(frozen=True, slots=True)
class Thresholds:
    """What the head's probability must reach, by what the terms say."""

    weak: float
    against: float
    nothing: float

    def needed(self, says: Says) -> float:
        """Return the threshold in force; beside strong terms the head is not asked."""
        return {"strong": 0.0, "weak": self.weak, "against": self.against, "nothing": self.nothing}[says]


@dataclass(frozen=True, slots=True)
class Rules:
    """The whole file. `combinations` come in order of precedence: strong before weak,
    and the file's order of categories within."""

    version: str
    categories: Mapping[str, Category]
    combinations: Sequence[Combination]
    phrases: Phrases
    spelling: Spelling
    thresholds: Thresholds
    lists: tuple[str, ...]


def load_rules(path: Path | None = None) -> Rules:
    """Read and check the rules.

    Raises:
        EmergencyError: the file cannot be used; names every problem with its line.
    """
    return _Reader(path or DEFAULT_RULES).read()


class _Mapping(dict[str, Any]):
    """A YAML mapping that knows its lines, counted from 1."""

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: dict[str, int] = {}
        self.repeated: list[str] = []


class _Sequence(list[Any]):
    """A YAML list that knows its lines, counted from 1."""

    def __init__(self, line: int = 1) -> None:
        super().__init__()
        self.line = line
        self.lines: list[int] = []


def _built(node: Node) -> Any:
    """Return the node as mapping, list, date, float or text.

    Composed rather than loaded: ruamel's round-trip loader, the one that keeps lines, takes
    two seconds for this file.
    """
    line = node.start_mark.line + 1
    if isinstance(node, MappingNode):
        mapping = _Mapping(line)
        for key, value in node.value:
            name = str(key.value)
            if name in mapping:
                mapping.repeated.append(name)
            mapping[name] = _built(value)
            mapping.lines[name] = key.start_mark.line + 1
        return mapping
    if isinstance(node, SequenceNode):
        sequence = _Sequence(line)
        for item in node.value:
            sequence.append(_built(item))
            sequence.lines.append(item.start_mark.line + 1)
        return sequence
    kind = str(node.tag).rpartition(":")[2]
    if kind == "timestamp":
        return datetime.date.fromisoformat(node.value[:10])
    return float(node.value) if kind == "float" else node.value


class _Reader:
    def __init__(self, path: Path) -> None:
        self._path = path
        self._problems: list[str] = []
        self._phrases = Phrases(_BARRIERS)
        self._listed: dict[str, str] = {}
        self._lists: set[str] = set()
        self._terms: frozenset[str] = frozenset()

    def read(self) -> Rules:
        root = self._parse()
        self._keys(root, "the file", _SECTIONS)
        version = self._text(root, "version")
        self._date(root, "since")
        thresholds = self._thresholds(self._mapping(root, "thresholds"))
        repaired, left_alone = self._spelling(self._mapping(root, "spelling"))
        context = self._mapping(root, "context")
        self._keys(context, "context", CONTEXT)
        for name in CONTEXT:
            self._phrase_list(context, name, f"context:{name}")
        terms = self._mapping(root, "terms")
        self._terms = frozenset(str(name) for name in terms)
        self._keys(terms, "terms", tuple(terms))
        for name in terms:
            self._phrase_list(terms, name, str(name))
        categories: dict[str, Category] = {}
        combinations: list[Combination] = []
        for number, entry in enumerate(self._sequence(root, "categories")):
            if not isinstance(entry, _Mapping):
                self._problem(_line(root["categories"], number), "a category must be a mapping with an id")
                continue
            category = self._category(entry, categories)
            if category is not None:
                categories[category.id] = category
                combinations.extend(self._combinations(entry, category.id))
        missing = [name for name in CATEGORIES if name not in categories]
        if missing and not self._problems:
            names = ", ".join(missing)
            self._problem(_line(root, "categories"), f"no rules for {names}: every category needs an entry")
        if self._problems:
            raise EmergencyError("\n".join(self._problems))
        # Python's sort is stable: the file's order stays within each strength.
        combinations.sort(key=lambda combination: combination.strength != "strong")
        return Rules(
            version,
            categories,
            tuple(combinations),
            self._phrases,
            Spelling(self._listed, self._phrases.words, repaired, left_alone),
            thresholds,
            tuple(sorted(self._lists)),
        )

    def _parse(self) -> _Mapping:
        try:
            node = YAML(typ="safe").compose(self._path.read_text(encoding="utf-8"))
        except OSError as error:
            raise EmergencyError(f"{self._path}: the emergency rules cannot be read ({error.strerror})") from error
        except MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            raise EmergencyError(f"{self._path}:{line}: this is not valid YAML: {error.problem}") from error
        root = _built(node) if node is not None else None
        if not isinstance(root, _Mapping):
            raise EmergencyError(f"{self._path}:1: the file must be a mapping with version, terms and categories")
        return root

    def _problem(self, line: int, sentence: str) -> None:
        self._problems.append(f"{self._path}:{line}: {sentence}")

    def _keys(self, node: _Mapping, what: str, allowed: Sequence[str]) -> None:
        for key in node.repeated:
            self._problem(node.lines[key], f"{key!r} is there twice in {what}: merge the two")
        for key in node:
            if key not in allowed:
                self._problem(_line(node, key), f"unknown key {key!r} in {what}: allowed are {', '.join(allowed)}")

    def _text(self, node: _Mapping, key: str) -> str:
        value = node.get(key)
        if not isinstance(value, str) or not value.strip():
            self._problem(_line(node, key), f"{key} is missing or empty: a text is needed")
            return ""
        return value.strip()

    def _date(self, node: _Mapping, key: str) -> datetime.date:
        value = node.get(key)
        if not isinstance(value, datetime.date):
            self._problem(_line(node, key), f"{key} is missing: a date such as 2026-11-23 is needed")
            return datetime.date.min
        return value

    def _mapping(self, node: _Mapping, key: str) -> _Mapping:
        value = node.get(key)
        if not isinstance(value, _Mapping):
            self._problem(_line(node, key), f"{key} is missing: a mapping is needed")
            return _Mapping()
        return value

    def _sequence(self, node: _Mapping, key: str) -> _Sequence:
        value = node.get(key)
        if not isinstance(value, _Sequence):
            self._problem(_line(node, key), f"{key} is missing: a list is needed")
            return _Sequence()
        return value

    def _thresholds(self, node: _Mapping) -> Thresholds:
        names = ("weak", "against", "nothing")
        self._keys(node, "thresholds", names)
        values = []
        for name in names:
            value = node.get(name)
            if not isinstance(value, float) or not 0.0 < value < 1.0:
                self._problem(_line(node, name), f"{name} is {value!r}: a number between 0 and 1 is needed")
                value = 0.5
            values.append(float(value))
        return Thresholds(*values)

    def _spelling(self, node: _Mapping) -> tuple[frozenset[str], frozenset[str]]:
        self._keys(node, "spelling", ("listed", "repaired", "left_alone"))
        listed = self._mapping(node, "listed")
        self._keys(listed, "listed", tuple(listed))
        for wrong, right in listed.items():
            if not re.fullmatch(r"[a-z]+", str(wrong)) or not re.fullmatch(r"[a-z ]+", str(right)):
                sentence = f"{wrong}: {right} cannot be used: one lower-case word, then words"
                self._problem(_line(listed, wrong), sentence)
            elif wrong in str(right).split():
                self._problem(_line(listed, wrong), f"{wrong} is repaired to itself: remove the line")
            else:
                self._listed[str(wrong)] = str(right)
        repaired = frozenset(str(word) for word in self._sequence(node, "repaired"))
        return repaired, frozenset(str(word) for word in self._sequence(node, "left_alone"))

    def _phrase_list(self, node: _Mapping, key: str, name: str) -> None:
        phrases = self._sequence(node, key)
        for number, phrase in enumerate(phrases):
            self._phrase(name, str(phrase), _line(phrases, number))

    def _phrase(self, name: str, phrase: str, line: int) -> None:
        if name != "context:clause":
            self._lists.add(name)
        try:
            words = self._phrases.add(name, phrase)
        except PhraseError as error:
            self._problem(line, f"phrase {phrase!r} cannot be used: {error}")
            return
        for word in sorted(words & self._listed.keys()):
            self._problem(line, f"{word!r} can never match, because spelling repairs it: write {self._listed[word]!r}")

    def _category(self, entry: _Mapping, seen: Mapping[str, Category]) -> Category | None:
        self._keys(entry, "a category", _CATEGORY_KEYS)
        name = self._text(entry, "id")
        if name not in CATEGORIES:
            self._problem(_line(entry, "id"), f"unknown category {name!r}: allowed are {', '.join(CATEGORIES)}")
            return None
        if name in seen:
            self._problem(_line(entry, "id"), f"category {name!r} is there twice: merge the two")
            return None
        return Category(name, self._text(entry, "source"), self._date(entry, "since"), self._message(entry))

    def _message(self, entry: _Mapping) -> str:
        message = self._text(entry, "message")
        line = _line(entry, "message")
        words = len(message.split())
        if words > LONGEST_MESSAGE_WORDS:
            self._problem(line, f"the message has {words} words: {LONGEST_MESSAGE_WORDS} are allowed")
        try:
            names = [name for _, name, _, _ in string.Formatter().parse(message) if name is not None]
        except ValueError:
            self._problem(line, "the message has an unmatched brace: write {emergency_number}")
            return message
        for unknown in sorted(set(names) - set(PLACEHOLDERS)):
            allowed = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
            self._problem(line, f"unknown placeholder {{{unknown}}} in the message: allowed are {allowed}")
        if message and "emergency_number" not in names:
            self._problem(line, "the message does not name {emergency_number}: say whom to call")
        return message

    def _combinations(self, entry: _Mapping, category: str) -> Iterator[Combination]:
        strengths: tuple[Strength, ...] = get_args(Strength)
        even_if = tuple(str(name) for name in entry.get("even_if", ()))
        for name in even_if:
            if name not in CONTEXT:
                self._problem(_line(entry, "even_if"), f"unknown context {name!r}: allowed are {', '.join(CONTEXT)}")
        for strength in strengths:
            if strength in entry:
                name = f"{category}:{strength}"
                self._phrase_list(entry, strength, name)
                yield Combination(category, (name,), (), "sentence", strength, even_if)
        if "combinations" not in entry:
            return
        for number, node in enumerate(self._sequence(entry, "combinations")):
            if not isinstance(node, _Mapping):
                self._problem(_line(entry["combinations"], number), "a combination must be a mapping with `all`")
                continue
            self._keys(node, "a combination", ("all", "unless", "within", "strength"))
            terms = self._names(node, "all")
            if not terms:
                self._problem(_line(node, "all"), "`all` is missing: name one list of terms or more")
            yield Combination(
                category,
                terms,
                self._names(node, "unless"),
                self._choice(node, "within", get_args(Within)),
                self._choice(node, "strength", strengths),
                even_if,
            )

    def _names(self, node: _Mapping, key: str) -> tuple[str, ...]:
        listed = node.get(key, [])
        if not isinstance(listed, list):
            self._problem(_line(node, key), f"{key} must be a list such as [chest, chest_alarm]")
            return ()
        names = tuple(str(name) for name in listed)
        for name in names:
            if name not in self._terms:
                allowed = ", ".join(sorted(self._terms))
                self._problem(
                    _line(node, key), f"unknown list {name!r}: write it under `terms`, or use one of {allowed}"
                )
        return names

    def _choice(self, node: _Mapping, key: str, allowed: Sequence[Any]) -> Any:
        value = node.get(key, allowed[0])
        if value not in allowed:
            self._problem(_line(node, key), f"{key} is {value!r}: allowed are {', '.join(allowed)}")
        return value


def _line(node: _Mapping | _Sequence, key: str | int) -> int:
    """Return the line of a key or an item; that of its parent if it is missing."""
    if isinstance(node, _Mapping):
        return node.lines.get(str(key), node.line)
    return node.lines[int(key)] if 0 <= int(key) < len(node.lines) else node.line
